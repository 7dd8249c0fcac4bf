/** The card below a `%%carbon` cell, in JupyterLab's own type and colours. An entry of its own. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import { cardNode } from './card';
import { element } from './dom';
import { CARD_MIME, parseCard } from './protocol';

const TEXT_MIME = 'text/plain';
/** Before the card's HTML, which has rank 50. */
const RANK = 40;

class CardRenderer extends Widget implements IRenderMime.IRenderer {
  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const card = parseCard(model.data[CARD_MIME]);
    this.node.replaceChildren(card === null ? plain(model.data[TEXT_MIME]) : cardNode(card));
    return Promise.resolve();
  }
}

/** A card of another version still has its text. */
function plain(text: unknown): HTMLElement {
  const lines = Array.isArray(text) ? text.join('') : text;
  return element(
    'pre',
    'nbcarbon-plain',
    typeof lines === 'string' ? lines : 'A card of another version of nbcarbon.'
  );
}

const extension: IRenderMime.IExtension = {
  id: 'nbcarbon:card',
  description: 'Draws the card of a cell.',
  rendererFactory: {
    safe: true,
    mimeTypes: [CARD_MIME],
    defaultRank: RANK,
    createRenderer: () => new CardRenderer()
  },
  dataType: 'json'
};

export default extension;

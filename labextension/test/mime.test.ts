import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

import { cardNode } from '../src/card';
import extension from '../src/mime';
import { CARD_MIME, parseCard, type ICardText } from '../src/protocol';
import { golden } from './helpers';

const CARD = golden('card');

function card(changes: Partial<ICardText> = {}): ICardText {
  const text = parseCard(CARD);
  if (text === null) {
    throw new Error('tests/wire/golden/card.json is no card');
  }
  return { ...text, ...changes };
}

async function render(data: Record<string, unknown>): Promise<HTMLElement> {
  const renderer = extension.rendererFactory.createRenderer({} as IRenderMime.IRendererOptions);
  await renderer.renderModel({ data } as unknown as IRenderMime.IMimeModel);
  return renderer.node;
}

test('the card goes before the card’s HTML, also where a notebook is not trusted', () => {
  expect(extension.rendererFactory.safe).toBe(true);
  expect(extension.rendererFactory.defaultRank).toBeLessThan(50);
  expect(extension.rendererFactory.mimeTypes).toEqual([CARD_MIME]);
});

test('a card has a bold line, a quiet line and a row for each device', async () => {
  const node = await render({ [CARD_MIME]: CARD });
  const text = card();
  expect(node.querySelector('.nbcarbon-card-head')?.textContent).toBe(
    `train · 12.3\u00a0s · 0.41\u00a0Wh 0.36 – 0.46 · 12.7\u00a0mgCO₂e 10.5 – 15`
  );
  expect(node.querySelector('summary')?.textContent).toBe(text.quiet);
  expect(node.querySelectorAll('tbody tr')).toHaveLength(text.devices.length);
  expect(node.querySelector('tbody tr')?.textContent).toContain('CPU package 0');
  expect(node.querySelector('details')?.textContent).toContain(text.rest[0]);
});

test('drawing again replaces what was drawn', async () => {
  const renderer = extension.rendererFactory.createRenderer({} as IRenderMime.IRendererOptions);
  const model = { data: { [CARD_MIME]: CARD } } as unknown as IRenderMime.IMimeModel;
  await renderer.renderModel(model);
  await renderer.renderModel(model);
  expect(renderer.node.querySelectorAll('.nbcarbon-card')).toHaveLength(1);
});

test('at most five lines are unfolded', () => {
  const node = cardNode(card({ notices: ['1', '2', '3', '4', '5'] }));
  expect(node.querySelectorAll(':scope > .nbcarbon-notice')).toHaveLength(3);
  expect(node.childElementCount).toBe(5);
  expect(node.querySelector('details')?.textContent).toContain('5');
});

test('a card without devices has no table', () => {
  expect(cardNode(card({ devices: [] })).querySelector('table')).toBeNull();
});

test('names are text', () => {
  const node = cardNode(card({ name: '<img src=x>' }));
  expect(node.querySelector('img')).toBeNull();
  expect(node.textContent).toContain('<img src=x>');
});

test.each([{}, { text: {} }, { text: { ...card(), devices: 'none' } }])(
  'a card of another version is shown by its text: %#',
  async data => {
    const node = await render({ [CARD_MIME]: data, 'text/plain': 'train   12.3 s' });
    expect(node.querySelector('pre')?.textContent).toBe('train   12.3 s');
  }
);

test('text in lines is one text', async () => {
  const node = await render({ [CARD_MIME]: {}, 'text/plain': ['one\n', 'two'] });
  expect(node.textContent).toBe('one\ntwo');
});

test('where there is no text either, it says what it is', async () => {
  const node = await render({ [CARD_MIME]: {} });
  expect(node.textContent).toContain('nbcarbon');
});

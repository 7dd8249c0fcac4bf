/** A card: one bold line, one quiet line, the rest folded. */

import { element } from './dom';
import type { ICardText } from './protocol';

/** With the bold and the quiet line, at most five lines are unfolded. */
const MOST_OPEN_NOTICES = 3;
const SEPARATOR = ' · ';

export function cardNode(card: ICardText): HTMLElement {
  const node = element('section', 'nbcarbon-card', '', { 'aria-label': `Cost of ${card.name}` });
  const open = card.notices.slice(0, MOST_OPEN_NOTICES);
  const folded = card.notices.slice(MOST_OPEN_NOTICES);
  const details = element('details');
  details.append(
    element('summary', 'nbcarbon-quiet', card.quiet),
    ...(card.devices.length > 0 ? [devicesNode(card.devices)] : []),
    ...[...card.rest, ...folded].map(line => element('div', 'nbcarbon-quiet', line))
  );
  node.append(
    headNode(card),
    details,
    ...open.map(line => element('div', 'nbcarbon-notice', line))
  );
  return node;
}

function headNode(card: ICardText): HTMLElement {
  const node = element('div', 'nbcarbon-card-head', [card.name, card.duration, ''].join(SEPARATOR));
  node.append(...figure(card.energy, card.energy_range), SEPARATOR);
  node.append(...figure(card.emissions, card.emissions_range));
  return node;
}

function figure(value: string, range: string): readonly (string | Element)[] {
  return range === '' ? [value] : [`${value} `, element('span', 'nbcarbon-range', range)];
}

function devicesNode(devices: ICardText['devices']): HTMLElement {
  const table = element('table', 'nbcarbon-devices');
  const head = table.createTHead().insertRow();
  for (const [title, className] of COLUMNS) {
    head.append(element('th', className, title, { scope: 'col' }));
  }
  const body = table.createTBody();
  for (const device of devices) {
    const row = body.insertRow();
    const energy = element('td', 'nbcarbon-number', device.energy);
    if (device.range !== '') {
      energy.title = device.range;
    }
    row.append(
      element('td', '', device.name),
      energy,
      element('td', 'nbcarbon-number', device.power),
      element('td', '', device.how)
    );
  }
  return table;
}

const COLUMNS = [
  ['device', ''],
  ['energy', 'nbcarbon-number'],
  ['mean power', 'nbcarbon-number'],
  ['how', '']
] as const;

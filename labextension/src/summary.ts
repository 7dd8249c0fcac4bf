/** The head of the sidebar: what a session used, how that is known, and where. */

import { element, setText } from './dom';
import { energy, parts, silence, type Units } from './format';
import type { IState } from './protocol';
import { Sparkline } from './sparkline';

/** What the buttons do; `perform` takes the action that a warning of the kernel names. */
export interface ISummaryActions {
  setZone(): void;
  perform(action: string): void;
}

/** The actions a warning may name, with what their button says. Others have no button. */
const ACTIONS: ReadonlyMap<string, string> = new Map([
  ['zone', 'Set zone'],
  ['doctor', 'Details'],
  ['export', 'Export']
]);

/** Drawn for the eye only: what it shows is said in words beside it. */
const HIDDEN = { 'aria-hidden': 'true' };

const RANGE_TITLE = 'The true value lies here with 95 % probability';

/**
 * Built once; news changes texts only. So a button keeps its focus, and a click that began before an
 * update still ends on the same node.
 */
export class Summary {
  readonly node = element('section', 'nbcarbon-summary', '', {
    'aria-label': 'Energy and CO2e of this session',
    'aria-live': 'off'
  });

  constructor(actions: ISummaryActions) {
    this.zone.addEventListener('click', () => {
      actions.setZone();
    });
    this.warningButton.addEventListener('click', () => {
      actions.perform(this.action);
    });
    const big = element('div', 'nbcarbon-energy');
    big.append(hiddenLabel('Energy '), this.lead, this.figure, ' ', this.unit);
    const co2e = element('div', 'nbcarbon-emissions');
    co2e.append(hiddenLabel('CO2e '), this.emissionsLead, this.emissions);
    this.warning.append(this.warningText, ' ', this.warningButton);
    const known = element('span', 'nbcarbon-chip');
    known.append(this.dot, this.known);
    this.zone.append(this.zoneName, this.zoneRest, element('span', 'nbcarbon-caret', '▾', HIDDEN));
    const chips = element('div', 'nbcarbon-chips');
    chips.append(known, this.zone);
    const power = element('div', 'nbcarbon-now');
    power.append(row(this.power, this.running), this.sparkline.node);
    this.node.append(
      this.session,
      row(big, this.energyRange),
      row(co2e, this.emissionsRange),
      this.equivalent,
      this.warning,
      chips,
      this.silence,
      power
    );
  }

  draw(state: IState, silentS: number | null, units: Units): void {
    const { text } = state;
    const used = energy(state, text, units);
    const { lead, figure, unit } = parts(used.value);
    setText(this.session, text.session);
    this.session.title = text.session;
    setText(this.lead, lead);
    setText(this.figure, figure);
    setText(this.unit, unit);
    // A sentence where a figure would stand ("not measured") is not set as large as a figure.
    this.figure.classList.toggle('nbcarbon-words', unit === '');
    setText(this.energyRange, used.range);
    const emitted = parts(text.emissions);
    setText(this.emissionsLead, emitted.lead);
    setText(this.emissions, `${emitted.figure}\u00a0${emitted.unit}`.trim());
    setText(this.emissionsRange, text.emissions_range);
    setText(this.equivalent, text.equivalent);
    this.equivalent.hidden = text.equivalent === '';
    this.drawWarning(state.warning);
    this.dot.dataset['nbcKnown'] = state.known;
    setText(this.known, text.known);
    const [zone = '', ...rest] = text.zone.split(' ');
    setText(this.zoneName, zone);
    setText(this.zoneRest, rest.join(' '));
    this.zone.title = `${text.place}. Set the zone`;
    setText(this.silence, silentS === null ? '' : silence(silentS));
    this.silence.hidden = silentS === null;
    setText(this.power, text.power);
    setText(this.running, text.running);
    this.running.title = text.running;
    this.sparkline.draw(state.recent_w, text.power);
  }

  private drawWarning(warning: IState['warning']): void {
    const label = ACTIONS.get(warning?.action ?? '') ?? '';
    this.action = warning?.action ?? '';
    this.warning.hidden = warning === null;
    setText(this.warningText, warning?.text ?? '');
    setText(this.warningButton, label);
    this.warningButton.hidden = label === '';
  }

  private action = '';
  private readonly session = element('div', 'nbcarbon-session');
  private readonly lead = element('span', 'nbcarbon-lead');
  private readonly figure = element('span', 'nbcarbon-figure');
  private readonly unit = element('span', 'nbcarbon-unit');
  private readonly energyRange = element('div', 'nbcarbon-range', '', { title: RANGE_TITLE });
  private readonly emissionsLead = element('span', 'nbcarbon-lead');
  private readonly emissions = element('span');
  private readonly emissionsRange = element('div', 'nbcarbon-range', '', { title: RANGE_TITLE });
  private readonly equivalent = element('div', 'nbcarbon-quiet');
  private readonly warning = element('div', 'nbcarbon-warning');
  private readonly warningText = element('span');
  private readonly warningButton = element('button', 'nbcarbon-link', '', { type: 'button' });
  private readonly dot = element('span', 'nbcarbon-dot', '', HIDDEN);
  private readonly known = element('span');
  private readonly zone = element('button', 'nbcarbon-chip nbcarbon-zone', '', { type: 'button' });
  private readonly zoneName = element('b');
  private readonly zoneRest = element('span');
  private readonly silence = element('div', 'nbcarbon-quiet');
  private readonly power = element('div', 'nbcarbon-power');
  private readonly running = element('div', 'nbcarbon-range nbcarbon-ellipsis');
  private readonly sparkline = new Sparkline();
}

function row(...nodes: readonly Element[]): HTMLElement {
  const node = element('div', 'nbcarbon-row');
  node.append(...nodes);
  return node;
}

function hiddenLabel(text: string): HTMLElement {
  return element('span', 'nbcarbon-hidden', text);
}

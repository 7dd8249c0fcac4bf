/** One line in the status bar: power now, energy and CO2e of the session in use. */

import { Signal, type ISignal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import type { CurrentNotebook } from './current';
import { element, setText } from './dom';
import { energy, silence } from './format';
import type { IOptions } from './options';
import type { IState } from './protocol';

const SEPARATOR = ' · ';

export class StatusItem extends Widget {
  constructor(
    private readonly current: CurrentNotebook,
    open: () => void,
    private options: IOptions
  ) {
    super();
    this.id = 'nbcarbon-status';
    this.button.addEventListener('click', open);
    this.node.append(this.button);
    current.changed.connect(this.refresh, this);
    this.refresh();
  }

  /** Whether there is anything to show: the status bar hides an item that is not active. */
  get isActive(): boolean {
    return this._isActive;
  }

  get activeChanged(): ISignal<this, void> {
    return this._activeChanged;
  }

  setOptions(options: IOptions): void {
    this.options = options;
    this.refresh();
  }

  private refresh(): void {
    const { model } = this.current;
    const state = model?.status === 'version' ? null : (model?.state ?? null);
    const line = state === null ? '' : statusLine(state, model?.silentS ?? null, this.options);
    setText(this.button, line);
    if (state !== null) {
      this.button.title = tooltip(state, this.options);
      this.button.setAttribute('aria-label', `${line}. Open the energy and CO2e sidebar`);
    }
    const isActive = line !== '';
    if (isActive !== this._isActive) {
      this._isActive = isActive;
      this._activeChanged.emit();
    }
  }

  private _isActive = false;
  private readonly _activeChanged = new Signal<this, void>(this);
  private readonly button = element('button', 'nbcarbon-status', '', {
    type: 'button',
    'aria-live': 'off'
  });
}

/** `41 W · 12.4 Wh · 0.38 gCO₂e`, as much of it as the user wants. */
export function statusLine(state: IState, silentS: number | null, options: IOptions): string {
  const { statusBar, units } = options;
  const shown: string[] = [];
  if (statusBar.power) {
    shown.push(silentS === null ? state.text.power : silence(silentS));
  }
  if (statusBar.energy) {
    shown.push(energy(state, state.text, units).value);
  }
  if (statusBar.emissions) {
    shown.push(state.text.emissions);
  }
  return shown.join(SEPARATOR);
}

function tooltip(state: IState, options: IOptions): string {
  const { text } = state;
  const used = energy(state, text, options.units);
  return [
    ranged('Energy', used.value, used.range),
    ranged('CO2e', text.emissions, text.emissions_range),
    text.known,
    text.place,
    text.session
  ]
    .filter(line => line !== '')
    .join('\n');
}

function ranged(label: string, value: string, range: string): string {
  return `${label} ${value}${range === '' ? '' : ` (${range})`}`;
}

/**
 * What is known about one notebook: the one source of every view. Two views of one notebook share a
 * session, and so they share a model.
 */

import type { ISessionContext } from '@jupyterlab/apputils';
import type { JSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { KernelFeed, type IArrival } from './kernelFeed';
import type { IBokehJs, ICellFigures, IChoices, IDoctor, ISaid, IState, Request } from './protocol';

/**
 * - `none`: no kernel, or none that has answered yet
 * - `absent`: a kernel without nbcarbon
 * - `version`: one whose nbcarbon speaks another version of the protocol
 * - `live`, `idle`: something runs, nothing runs
 * - `silent`: something runs, and nothing was heard of it for longer than it promised
 */
export type Status = 'none' | 'absent' | 'version' | 'live' | 'idle' | 'silent';

export interface IClock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Calls back every so many milliseconds until the returned function is called. */
  every(intervalMs: number, callback: () => void): () => void;
}

const BROWSER_CLOCK: IClock = {
  now: () => performance.now(),
  every: (intervalMs, callback) => {
    const timer = setInterval(callback, intervalMs);
    return () => {
      clearInterval(timer);
    };
  }
};

const SECOND_MS = 1000;
/** So many missed states are no news. */
const PATIENCE = 3;

export interface IBokehArrival {
  readonly message: IBokehJs;
  readonly buffers: IArrival['buffers'];
}

export class NotebookModel implements IDisposable {
  constructor(
    private readonly feed: KernelFeed,
    private readonly clock: IClock = BROWSER_CLOCK
  ) {
    feed.cleared.connect(this.onCleared, this);
    feed.presenceChanged.connect(this.onPresence, this);
    feed.arrived.connect(this.onArrival, this);
  }

  /** The state, the status or the silence is another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The badge of this cell is another; of any cell, where the id is null. */
  get cellChanged(): ISignal<this, string | null> {
    return this._cellChanged;
  }

  /** A cell's figures came, as the kernel sent them. */
  get cellArrived(): ISignal<this, { readonly id: string; readonly raw: JSONObject }> {
    return this._cellArrived;
  }

  get answered(): ISignal<this, IChoices | IDoctor | ISaid> {
    return this._answered;
  }

  get bokehArrived(): ISignal<this, IBokehArrival> {
    return this._bokehArrived;
  }

  get state(): IState | null {
    return this._state;
  }

  get choices(): IChoices | null {
    return this._choices;
  }

  get status(): Status {
    if (this.otherVersion) {
      return 'version';
    }
    if (this.feed.presence === 'absent') {
      return 'absent';
    }
    if (this._state === null) {
      return 'none';
    }
    if (!this._state.running) {
      return 'idle';
    }
    return this._silentS === null ? 'live' : 'silent';
  }

  /** Whether the kernel has nbcarbon, and takes requests. */
  get isPresent(): boolean {
    return this.feed.presence === 'present';
  }

  get hasKernel(): boolean {
    return this.feed.hasKernel;
  }

  /** A page that was loaded in the middle of a cell is not told the kernel's status, but its states. */
  get isBusy(): boolean {
    return this.feed.isBusy || this._state?.running === true;
  }

  get joinedLate(): boolean {
    return this.feed.joinedLate;
  }

  /** For how many whole seconds nothing was heard of what runs, null while that is as it should be. */
  get silentS(): number | null {
    return this._silentS;
  }

  /** What the last run of a cell cost, null where this page has heard of none. */
  figuresOf(cellId: string): ICellFigures | null {
    return this.cells.get(cellId) ?? null;
  }

  /** Whether a cell was run again without being measured: whatever was written down of it is old. */
  isDropped(cellId: string): boolean {
    return this.dropped.has(cellId);
  }

  /** Whether a cell runs or is about to, so that its figures are those of the run before. */
  isStale(cellId: string): boolean {
    return (
      this.pending.has(cellId) || (this._state?.running === true && this._state.cell?.id === cellId)
    );
  }

  ask(request: Request): void {
    this.feed.send(request);
  }

  /** Somebody runs a cell. */
  cellScheduled(cellId: string): void {
    this.pending.add(cellId);
    this._cellChanged.emit(cellId);
  }

  /** A cell's run ended. Its figures come on their own, unless it was not measured or did not run. */
  cellFinished(cellId: string, ran: boolean): void {
    if (this.pending.has(cellId) && (!ran || this._state?.measuring !== true)) {
      this.drop(cellId);
    }
  }

  /** A cell's outputs were cleared, and with them what they cost. */
  cellCleared(cellId: string): void {
    if (!this.isStale(cellId)) {
      this.drop(cellId);
    }
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this.stopTimer();
    this.feed.dispose();
    Signal.clearData(this);
  }

  private drop(cellId: string): void {
    this.pending.delete(cellId);
    this.cells.delete(cellId);
    this.dropped.add(cellId);
    this._cellChanged.emit(cellId);
  }

  /**
   * The kernel is gone, and the session with it. Badges stay where outputs stay: they say what that
   * run cost. Of a cell that was running nobody will ever know.
   */
  private onCleared(): void {
    this._state = null;
    this._choices = null;
    this.otherVersion = false;
    this.settle();
    for (const cellId of [...this.pending]) {
      this.drop(cellId);
    }
    this._changed.emit();
  }

  private onPresence(): void {
    if (this.feed.presence === 'absent') {
      this._state = null;
      this.settle();
    }
    this._changed.emit();
  }

  private onArrival(_: KernelFeed, arrival: IArrival): void {
    const { message } = arrival;
    if (message === 'version') {
      if (!this.otherVersion) {
        this.otherVersion = true;
        this._changed.emit();
      }
      return;
    }
    this.lastNewsMs = this.clock.now();
    switch (message.type) {
      case 'state':
        this.onState(message);
        break;
      case 'cell':
        this.keepCell(message);
        if (message.id !== null) {
          this._cellArrived.emit({ id: message.id, raw: arrival.raw });
          this._cellChanged.emit(message.id);
        }
        break;
      case 'cells':
        message.cells.forEach(cell => {
          this.keepCell(cell);
        });
        this._cellChanged.emit(null);
        break;
      case 'bokehjs':
        this._bokehArrived.emit({ message, buffers: arrival.buffers });
        break;
      case 'choices':
        this._choices = message;
        this._answered.emit(message);
        break;
      case 'bye':
        this.cells.clear();
        this.pending.clear();
        this._cellChanged.emit(null);
        break;
      default:
        this._answered.emit(message);
    }
  }

  private onState(state: IState): void {
    const before = this._state;
    if (before !== null && before.session === state.session && state.seq < before.seq) {
      return; // An answer that waited in the kernel while newer states were sent.
    }
    this._state = state;
    this.settle();
    if (state.running && this.stop === null) {
      this.stop = this.clock.every(SECOND_MS, () => {
        this.listenForNews();
      });
    }
    for (const cell of new Set([before?.cell?.id, state.cell?.id])) {
      if (cell !== undefined && cell !== null) {
        this._cellChanged.emit(cell);
      }
    }
    this._changed.emit();
  }

  private keepCell(cell: ICellFigures): void {
    if (cell.id !== null) {
      this.cells.set(cell.id, cell);
      this.pending.delete(cell.id);
      this.dropped.delete(cell.id);
    }
  }

  /** Nothing is silent any more, and where nothing runs nothing is waited for. */
  private settle(): void {
    this._silentS = null;
    if (this._state?.running !== true) {
      this.stopTimer();
    }
  }

  private stopTimer(): void {
    this.stop?.();
    this.stop = null;
  }

  private listenForNews(): void {
    const state = this._state;
    if (state === null) {
      return;
    }
    const quietS = (this.clock.now() - this.lastNewsMs) / SECOND_MS;
    const silentS = quietS > PATIENCE * state.next_s ? Math.floor(quietS) : null;
    if (silentS !== this._silentS) {
      this._silentS = silentS;
      this._changed.emit();
    }
  }

  private _state: IState | null = null;
  private _choices: IChoices | null = null;
  private _silentS: number | null = null;
  private _isDisposed = false;
  private otherVersion = false;
  private lastNewsMs = 0;
  private stop: (() => void) | null = null;
  private readonly cells = new Map<string, ICellFigures>();
  /** Cells that were sent to the kernel and whose figures are not there yet. */
  private readonly pending = new Set<string>();
  private readonly dropped = new Set<string>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _cellChanged = new Signal<this, string | null>(this);
  private readonly _cellArrived = new Signal<
    this,
    { readonly id: string; readonly raw: JSONObject }
  >(this);
  private readonly _answered = new Signal<this, IChoices | IDoctor | ISaid>(this);
  private readonly _bokehArrived = new Signal<this, IBokehArrival>(this);
}

const models = new WeakMap<ISessionContext, NotebookModel>();

/** The model of a session, made when it is first asked for. */
export function modelOf(context: ISessionContext): NotebookModel {
  const known = models.get(context);
  if (known) {
    return known;
  }
  const model = new NotebookModel(new KernelFeed(context));
  models.set(context, model);
  context.disposed.connect(() => {
    model.dispose();
  });
  return model;
}

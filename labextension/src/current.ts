/** The notebook that the sidebar, the status bar and the commands speak of: the last one in use. */

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Signal, type ISignal } from '@lumino/signaling';

import { modelOf, type NotebookModel } from './model';

export class CurrentNotebook {
  constructor(private readonly tracker: INotebookTracker) {
    tracker.currentChanged.connect(this.follow, this);
    this.follow();
  }

  /** Another notebook is in use, or there is news of this one. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The tracker keeps its notebook while a launcher or a file is in front, as wanted here. */
  get panel(): NotebookPanel | null {
    return this.tracker.currentWidget;
  }

  get model(): NotebookModel | null {
    return this._model;
  }

  private follow(): void {
    this._model?.changed.disconnect(this.onNews, this);
    this._model = this.panel === null ? null : modelOf(this.panel.sessionContext);
    this._model?.changed.connect(this.onNews, this);
    this._changed.emit();
  }

  private onNews(): void {
    this._changed.emit();
  }

  private _model: NotebookModel | null = null;
  private readonly _changed = new Signal<this, void>(this);
}

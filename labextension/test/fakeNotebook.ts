/** A light stand-in for a notebook view: cells with nodes, ids, metadata and signals. */

import type { NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';

import type { FakeContext } from './helpers';

export class FakeCellModel {
  readonly stateChanged = new Signal<this, { name: string; newValue: unknown }>(this);
  readonly metadata = new Map<string, unknown>();
  writes = 0;

  constructor(
    readonly id: string,
    readonly type: 'code' | 'markdown' = 'code'
  ) {}

  getMetadata(key: string): unknown {
    return this.metadata.get(key);
  }

  setMetadata(key: string, value: unknown): void {
    this.writes += 1;
    this.metadata.set(key, value);
  }

  deleteMetadata(key: string): void {
    this.writes += 1;
    this.metadata.delete(key);
  }

  clearOutputs(): void {
    this.stateChanged.emit({ name: 'executionCount', newValue: null });
  }
}

/** One view of a cell: two views of a notebook have two nodes for one model. */
export class FakeCell {
  readonly node = document.createElement('div');

  constructor(readonly model: FakeCellModel) {}

  get badges(): HTMLElement[] {
    return [...this.node.querySelectorAll<HTMLElement>('.nbc-badge')];
  }

  get badge(): HTMLElement {
    const [badge] = this.badges;
    if (badge === undefined) {
      throw new Error('this cell has no badge');
    }
    return badge;
  }
}

class FakeNotebookModel {
  readonly changed = new Signal<this, void>(this);
  models: FakeCellModel[] = [];

  /** The list of cells, as JupyterLab has it: one object that can be gone through and listened to. */
  get cells(): Iterable<FakeCellModel> & { changed: Signal<FakeNotebookModel, void> } {
    const models = this.models;
    return { changed: this.changed, [Symbol.iterator]: () => models[Symbol.iterator]() };
  }
}

export class FakeNotebook {
  readonly modelChanged = new Signal<this, void>(this);
  activeCellIndex = 0;
  scrolledTo: number | null = null;
  widgets: FakeCell[];
  readonly model = new FakeNotebookModel();

  constructor(models: FakeCellModel[]) {
    this.model.models = models;
    this.widgets = models.map(model => new FakeCell(model));
  }

  deselectAll(): void {
    // Nothing is selected here.
  }

  scrollToItem(index: number): Promise<void> {
    this.scrolledTo = index;
    return Promise.resolve();
  }

  insert(index: number, cell: FakeCell): void {
    this.widgets.splice(index, 0, cell);
    this.model.models.splice(index, 0, cell.model);
    this.model.changed.emit();
  }

  /** JupyterLab makes a new widget for a cell that is moved. */
  move(from: number, to: number): void {
    const [cell] = this.widgets.splice(from, 1);
    this.model.models.splice(from, 1);
    if (cell !== undefined) {
      this.insert(to, new FakeCell(cell.model));
    }
  }
}

export class FakePanel {
  readonly disposed = new Signal<this, void>(this);
  readonly content: FakeNotebook;

  constructor(
    models: FakeCellModel[],
    readonly sessionContext: FakeContext
  ) {
    this.content = new FakeNotebook(models);
  }

  get asPanel(): NotebookPanel {
    return this as unknown as NotebookPanel;
  }
}

/**
 * What a cell cost, in one grey line below it.
 *
 * A badge is a node of its own at the end of its cell's node, found again by the cell it belongs to.
 * A windowed notebook takes a cell's node out of the page and puts it back whole, badge and all.
 */

import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { readSavedFigures } from './cellMetadata';
import { element, setText } from './dom';
import { energy, type Units } from './format';
import type { NotebookModel } from './model';
import type { IOptions } from './options';
import type { ICellFigures } from './protocol';

/** Cells of one notebook view, each with its badge or without one. */
export class CellBadges implements IDisposable {
  constructor(
    panel: NotebookPanel,
    private readonly model: NotebookModel,
    private options: IOptions
  ) {
    this.notebook = panel.content;
    model.cellChanged.connect(this.onCell, this);
    this.notebook.modelChanged.connect(this.followCells, this);
    this.followCells();
    panel.disposed.connect(() => {
      this.dispose();
    });
  }

  setOptions(options: IOptions): void {
    this.options = options;
    this.drawAll();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this.timer);
    Signal.clearData(this);
  }

  private followCells(): void {
    this.notebook.model?.cells.changed.connect(this.drawSoon, this);
    this.drawSoon();
  }

  /** One pass for a whole batch of moves, and only once the cells' widgets are there. */
  private drawSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.drawAll();
    });
  }

  private onCell(_: NotebookModel, cellId: string | null): void {
    if (cellId === null) {
      this.drawAll();
      return;
    }
    const cell = this.notebook.widgets.find(widget => widget.model.id === cellId);
    if (cell !== undefined) {
      this.draw(cell);
    }
  }

  private drawAll(): void {
    for (const cell of this.notebook.widgets) {
      cell.model.stateChanged.connect(this.onCellState, this);
      this.draw(cell);
    }
  }

  /** Where outputs are cleared, the count goes with them, and so does the badge. */
  private onCellState(cell: ICellModel, change: { name: string; newValue: unknown }): void {
    if (change.name === 'executionCount' && change.newValue === null) {
      this.model.cellCleared(cell.id);
    }
  }

  private draw(cell: Cell): void {
    const figures = this.options.badges ? this.figuresOf(cell) : null;
    const old = this.badges.get(cell);
    if (figures === null) {
      old?.remove();
      this.badges.delete(cell);
      return;
    }
    const badge = old ?? element('div', 'nbc-badge', '', { role: 'note' });
    this.badges.set(cell, badge);
    write(badge, figures, this.options.units);
    badge.classList.toggle('nbc-stale', this.model.isStale(cell.model.id));
    if (badge.parentElement !== cell.node) {
      cell.node.append(badge);
    }
  }

  private figuresOf(cell: Cell): ICellFigures | null {
    const { id, type } = cell.model;
    if (type !== 'code') {
      return null;
    }
    return (
      this.model.figuresOf(id) ?? (this.model.isDropped(id) ? null : readSavedFigures(cell.model))
    );
  }

  private _isDisposed = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly notebook: Notebook;
  private readonly badges = new WeakMap<Cell, HTMLElement>();
}

function write(badge: HTMLElement, figures: ICellFigures, units: Units): void {
  const { text } = figures;
  const line = badgeText(figures, units);
  setText(badge, line);
  badge.title = text.tooltip;
  badge.setAttribute('aria-label', `${line}. ${text.tooltip}`);
  badge.classList.toggle('nbc-modelled', figures.known === 'modelled');
}

/** The kernel's line, its energy in the user's unit. */
export function badgeText(figures: ICellFigures, units: Units): string {
  const { badge, energy: written } = figures.text;
  return badge.startsWith(written)
    ? energy(figures, figures.text, units).value + badge.slice(written.length)
    : badge;
}

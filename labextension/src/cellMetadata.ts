/**
 * A cell's figures in its own metadata, for those who asked for it: they are shown again where there
 * is no kernel to tell them.
 *
 * What is written there never tells of another run than the last: where figures may not be written,
 * old ones are taken out.
 */

import type { ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { JSONObject } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';

import type { NotebookModel } from './model';
import type { IOptions } from './options';
import { parseSavedCell, type ICellFigures } from './protocol';

const KEY = 'nbcarbon';

/** The figures saved with a cell. A copy of a cell copies its metadata too, but they are not its own. */
export function readSavedFigures(cell: ICellModel): ICellFigures | null {
  const saved = parseSavedCell(cell.getMetadata(KEY));
  return saved?.id === cell.id ? saved : null;
}

export class CellMetadata {
  constructor(
    private readonly panel: NotebookPanel,
    private readonly model: NotebookModel,
    private options: IOptions
  ) {
    model.cellArrived.connect(this.onFigures, this);
    model.cellChanged.connect(this.onChanged, this);
    panel.disposed.connect(() => {
      Signal.clearData(this);
    });
  }

  setOptions(options: IOptions): void {
    this.options = options;
  }

  private onFigures(
    _: NotebookModel,
    { id, raw }: { readonly id: string; readonly raw: JSONObject }
  ): void {
    const cell = this.find(id);
    const saved = cell && parseSavedCell(cell.getMetadata(KEY));
    const { session: _session, ...figures } = raw;
    const isThisRun = saved?.end_ms === figures['end_ms'];
    if (cell === null || isThisRun) {
      return; // Another view of this notebook wrote it, or another person's page.
    }
    if (this.options.writeMetadata) {
      cell.setMetadata(KEY, figures);
    } else {
      erase(cell);
    }
  }

  private onChanged(_: NotebookModel, cellId: string | null): void {
    const cell = cellId !== null && this.model.isDropped(cellId) ? this.find(cellId) : null;
    if (cell !== null) {
      erase(cell);
    }
  }

  private find(cellId: string): ICellModel | null {
    for (const cell of this.panel.content.model?.cells ?? []) {
      if (cell.id === cellId) {
        return cell;
      }
    }
    return null;
  }
}

function erase(cell: ICellModel): void {
  if (cell.getMetadata(KEY) !== undefined) {
    cell.deleteMetadata(KEY);
  }
}

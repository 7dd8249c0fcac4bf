/** A bar in the chart of cells was clicked: the notebook goes to its cell. */

import type { NotebookPanel } from '@jupyterlab/notebook';

import { isObject } from './protocol';

/** What the kernel's widget dispatches, with `{cell: id}`. */
export const GO_TO_EVENT = 'nbcarbon:goto';

/** The cell that such an event names. */
export function cellOf(event: Event): string | null {
  const detail: unknown = event instanceof CustomEvent ? event.detail : null;
  return isObject(detail) && typeof detail['cell'] === 'string' ? detail['cell'] : null;
}

/** Brings a cell into view and makes it the active one, also where its node is not in the page. */
export async function goToCell(panel: NotebookPanel, cellId: string): Promise<void> {
  const notebook = panel.content;
  const index = notebook.widgets.findIndex(cell => cell.model.id === cellId);
  if (index >= 0) {
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    await notebook.scrollToItem(index, 'center');
  }
}

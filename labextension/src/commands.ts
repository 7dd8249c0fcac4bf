/** What one can do from the command palette and from the sidebar's buttons. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import {
  Dialog,
  InputDialog,
  Notification,
  showDialog,
  type ICommandPalette
} from '@jupyterlab/apputils';
import type { Widget } from '@lumino/widgets';

import { Answers, SHOWN_MS } from './answers';
import type { CurrentNotebook } from './current';
import type { NotebookModel } from './model';
import type { Request } from './protocol';
import { askForZone } from './zoneDialog';

export const CommandIds = {
  togglePanel: 'nbcarbon:toggle-panel',
  setZone: 'nbcarbon:set-zone',
  exportSummary: 'nbcarbon:export-summary',
  doctor: 'nbcarbon:doctor',
  reset: 'nbcarbon:reset'
} as const;

const CATEGORY = 'nbcarbon';
const EXPORT_NAME = 'carbon-report.html';

/** Commands for the notebook in use; all but the first need a kernel that has nbcarbon. */
export function addCommands(
  app: JupyterFrontEnd,
  current: CurrentNotebook,
  panel: Widget,
  palette: ICommandPalette | null
): void {
  const { commands, shell } = app;
  const answers = new Answers();

  const send = (model: NotebookModel, request: Request): void => {
    answers.expect(model);
    model.ask(request);
    if (model.isBusy) {
      Notification.info('The kernel is busy: this will be done when the cell ends.', {
        autoClose: SHOWN_MS
      });
    }
  };

  const add = (id: string, label: string, run: (model: NotebookModel) => Promise<void>): void => {
    commands.addCommand(id, {
      label,
      isEnabled: () => current.model?.isPresent ?? false,
      execute: async () => {
        if (current.model !== null) {
          await run(current.model);
        }
      }
    });
  };

  commands.addCommand(CommandIds.togglePanel, {
    label: 'Show or Hide Energy and CO2e',
    execute: () => {
      if (panel.isVisible) {
        collapseRight(shell);
      } else {
        shell.activateById(panel.id);
      }
    }
  });

  add(CommandIds.setZone, 'Set the Zone…', async model => {
    askChoices(model);
    const zone = await askForZone(model);
    if (zone !== null) {
      send(model, { type: 'set', name: 'zone', value: zone });
    }
  });

  add(CommandIds.exportSummary, 'Export the Session…', async model => {
    askChoices(model);
    const endings = model.choices?.formats.map(([ending]) => ending) ?? [];
    const { button, value } = await InputDialog.getText({
      title: 'Export the session',
      label: ['File, in the kernel’s folder', ...endings].join(' · '),
      text: EXPORT_NAME,
      okLabel: 'Export'
    });
    const path = value?.trim() ?? '';
    if (button.accept && path !== '') {
      send(model, { type: 'export', path });
    }
  });

  add(CommandIds.doctor, 'Show What Can Be Measured', model => {
    send(model, { type: 'need', what: 'doctor' });
    return Promise.resolve();
  });

  add(CommandIds.reset, 'Begin a New Session…', async model => {
    const { button } = await showDialog({
      title: 'Begin a new session?',
      body: 'The figures start again at zero. The session so far is kept: “nbcarbon history” lists it.',
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: 'Begin' })]
    });
    if (button.accept) {
      send(model, { type: 'reset' });
    }
  });

  current.changed.connect(() => {
    for (const id of Object.values(CommandIds)) {
      commands.notifyCommandChanged(id);
    }
  });
  for (const command of Object.values(CommandIds)) {
    palette?.addItem({ command, category: CATEGORY });
  }
}

/** Once per kernel: zones and formats do not change while it runs. */
function askChoices(model: NotebookModel): void {
  if (model.choices === null) {
    model.ask({ type: 'need', what: 'choices' });
  }
}

/** JupyterLab's shell and that of Notebook 7 have different names for the same thing. */
function collapseRight(shell: JupyterFrontEnd.IShell): void {
  if (isLabShell(shell)) {
    shell.collapseRight();
  } else if (isNotebookShell(shell)) {
    shell.collapse('right');
  }
}

function isLabShell(shell: object): shell is { collapseRight(): void } {
  return 'collapseRight' in shell;
}

function isNotebookShell(shell: object): shell is { collapse(area: string): void } {
  return 'collapse' in shell;
}

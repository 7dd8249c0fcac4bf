/** The extension: what there is, and who is told of what. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';

import { BokehSupply } from './bokeh';
import { CellBadges } from './cellBadge';
import { CellMetadata } from './cellMetadata';
import { CommandIds, addCommands } from './commands';
import { CurrentNotebook } from './current';
import { GO_TO_EVENT, cellOf, goToCell } from './goToCell';
import { modelOf, type NotebookModel } from './model';
import { DEFAULTS, readOptions, type IOptions } from './options';
import { CarbonPanel } from './panel';
import { StatusItem } from './statusItem';

const PLUGIN_ID = 'nbcarbon:plugin';
/** Below JupyterLab's own sidebars. */
const PANEL_RANK = 1000;
const STATUS_RANK = 900;

/** What is told when a setting changes. */
interface IConfigurable {
  setOptions(options: IOptions): void;
}

/** Only notebooks are needed; Notebook 7 has no status bar, and others may have still less. */
const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Shows the energy and CO2e of each cell.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ISettingRegistry, IStatusBar, ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    settings: ISettingRegistry | null,
    statusBar: IStatusBar | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): void => {
    let options = DEFAULTS;
    const configurables = new Set<IConfigurable>();
    const current = new CurrentNotebook(tracker);

    const execute = (command: string): void => {
      void app.commands.execute(command);
    };
    const perform = (action: string): void => {
      const command = WARNING_COMMANDS.get(action);
      if (command !== undefined) {
        execute(command);
      }
    };
    const setZone = (): void => {
      execute(CommandIds.setZone);
    };

    const panel = new CarbonPanel(current, { setZone, perform }, options);
    configurables.add(panel);
    app.shell.add(panel, 'right', { rank: PANEL_RANK });
    restorer?.add(panel, panel.id);

    if (statusBar !== null) {
      const open = (): void => {
        app.shell.activateById(panel.id);
      };
      const item = new StatusItem(current, open, options);
      configurables.add(item);
      statusBar.registerStatusItem(PLUGIN_ID, {
        item,
        align: 'right',
        rank: STATUS_RANK,
        isActive: () => item.isActive,
        activeStateChanged: item.activeChanged
      });
    }

    addCommands(app, current, panel, palette);

    const supplied = new WeakSet();
    const onNotebook = (notebook: NotebookPanel): void => {
      const model = modelOf(notebook.sessionContext);
      if (!supplied.has(model)) {
        supplied.add(model);
        new BokehSupply(model);
      }
      const parts = [
        new CellBadges(notebook, model, options),
        new CellMetadata(notebook, model, options)
      ];
      parts.forEach(part => configurables.add(part));
      notebook.disposed.connect(() => {
        parts.forEach(part => configurables.delete(part));
      });
    };
    tracker.forEach(onNotebook);
    tracker.widgetAdded.connect((_, notebook) => {
      onNotebook(notebook);
    });

    const modelOfNotebook = (notebook: NotebookPanel['content']): NotebookModel | null => {
      const owner = tracker.find(candidate => candidate.content === notebook);
      return owner === undefined ? null : modelOf(owner.sessionContext);
    };
    NotebookActions.executionScheduled.connect((_, { notebook, cell }) => {
      modelOfNotebook(notebook)?.cellScheduled(cell.model.id);
    });
    NotebookActions.executed.connect((_, { notebook, cell }) => {
      const count: unknown = 'executionCount' in cell.model ? cell.model.executionCount : null;
      modelOfNotebook(notebook)?.cellFinished(cell.model.id, typeof count === 'number');
    });

    document.addEventListener(GO_TO_EVENT, event => {
      const cellId = cellOf(event);
      if (cellId !== null && current.panel !== null) {
        app.shell.activateById(current.panel.id);
        void goToCell(current.panel, cellId);
      }
    });

    if (settings !== null) {
      settings.load(PLUGIN_ID).then(
        loaded => {
          const apply = (): void => {
            options = readOptions(loaded.composite);
            configurables.forEach(part => {
              part.setOptions(options);
            });
          };
          loaded.changed.connect(apply);
          apply();
        },
        (reason: unknown) => {
          console.warn('nbcarbon: settings could not be read, defaults are used', reason);
        }
      );
    }
  }
};

/** What the button beside a warning does. */
const WARNING_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['zone', CommandIds.setZone],
  ['doctor', CommandIds.doctor],
  ['export', CommandIds.exportSummary]
]);

export default plugin;

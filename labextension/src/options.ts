/** The user's settings (schema/plugin.json), as the rest of the extension reads them. */

import type { Units } from './format';
import { isObject } from './protocol';

export interface IOptions {
  readonly badges: boolean;
  readonly units: Units;
  readonly statusBar: {
    readonly power: boolean;
    readonly energy: boolean;
    readonly emissions: boolean;
  };
  readonly writeMetadata: boolean;
}

export const DEFAULTS: IOptions = {
  badges: true,
  units: 'Wh',
  statusBar: { power: true, energy: true, emissions: true },
  writeMetadata: false
};

/** Settings as they are stored; whatever is missing or broken has its default. */
export function readOptions(stored: unknown): IOptions {
  const settings = isObject(stored) ? stored : {};
  const statusBar = isObject(settings['statusBar']) ? settings['statusBar'] : {};
  return {
    badges: flag(settings['badges'], DEFAULTS.badges),
    units: settings['units'] === 'J' ? 'J' : 'Wh',
    statusBar: {
      power: flag(statusBar['power'], DEFAULTS.statusBar.power),
      energy: flag(statusBar['energy'], DEFAULTS.statusBar.energy),
      emissions: flag(statusBar['emissions'], DEFAULTS.statusBar.emissions)
    },
    writeMetadata: flag(settings['writeMetadata'], DEFAULTS.writeMetadata)
  };
}

function flag(value: unknown, fallback: boolean): boolean {
  return typeof value === 'boolean' ? value : fallback;
}

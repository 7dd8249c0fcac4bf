/**
 * Joules, for those who asked for them. Everything else comes from the kernel ready to show.
 *
 * The rules are those of nbcarbon/core/humanize.py, so that a figure reads the same wherever it is
 * written: at most three significant digits, two below 1, no trailing zeros, digits in groups of
 * three, a unit from 0.1 of itself up to 1000.
 */

import type { IEnergy } from './protocol';

export type Units = 'Wh' | 'J';

/** An energy with what stands in quiet ink beside it (empty where nothing does). */
export interface IWritten {
  readonly value: string;
  readonly range: string;
}

/** Between a number and its unit: no line may break there. */
const SPACE = '\u00a0';
/** Between groups of three digits. */
const THIN_SPACE = '\u202f';
const RANGE = ' – ';
const ABOUT = 'about ';
/** Words alone ("not measured") are no figure, and stay. */
const HAS_DIGIT = /\d/;

const SYMBOLS = ['mJ', 'J', 'kJ', 'MJ', 'GJ'] as const;
const BASE_INDEX = 1;
const STEP = 1000;
/** From here on three digits round to 1000. */
const LARGEST = 999.5;
/** Below this a number rounds to less than 0.1. */
const SMALLEST = 0.09995;
/** Digits that tell an exact half from a number that is only nearly one. */
const TIE_DIGITS = 40;

/** `2.5 kJ`. */
export function joules(energyJ: number): string {
  const { scaled, symbol } = fit(energyJ);
  const tiny = energyJ !== 0 && Math.abs(scaled) < SMALLEST;
  return `${tiny ? '< 0.1' : number(scaled)}${SPACE}${symbol}`;
}

/**
 * An energy in the unit the user chose. What kind of figure it is (a value, about a value, only a
 * range, not measured) was decided by the kernel, and `text` shows which.
 */
export function energy(
  figures: IEnergy,
  text: { readonly energy: string; readonly energy_range?: string },
  units: Units
): IWritten {
  const { energy_j: value, low_j: low, high_j: high } = figures;
  if (units === 'Wh' || value === null || !HAS_DIGIT.test(text.energy)) {
    return { value: text.energy, range: text.energy_range ?? '' };
  }
  if (low === null || high === null) {
    return { value: about(text.energy) + joules(value), range: '' };
  }
  if (text.energy.includes(RANGE)) {
    return { value: `${interval(low, high, high)}${SPACE}${fit(high).symbol}`, range: '' };
  }
  return {
    value: about(text.energy) + joules(value),
    range: text.energy_range ? interval(low, high, value) : ''
  };
}

/** `12.4 Wh` as the parts that a headline sets in different sizes. */
export function parts(written: string): { lead: string; figure: string; unit: string } {
  const lead = written.startsWith(ABOUT) ? ABOUT.trim() : '';
  const rest = lead ? written.slice(ABOUT.length) : written;
  const gap = rest.lastIndexOf(SPACE);
  return gap < 0
    ? { lead, figure: rest, unit: '' }
    : { lead, figure: rest.slice(0, gap), unit: rest.slice(gap + 1) };
}

/** What the sidebar and the status bar say while nothing is heard of a running cell. */
export function silence(silentS: number): string {
  return `no news for ${silentS}${SPACE}s`;
}

function about(text: string): string {
  return text.startsWith(ABOUT) ? ABOUT : '';
}

/** Both ends in the unit that `like` is written in, and no finer than it. */
function interval(low: number, high: number, like: number): string {
  const placed = fit(like).scaled;
  const factor = like === 0 ? 1 : placed / like;
  const finest = decimals(placed);
  return `${number(low * factor, finest)}${RANGE}${number(high * factor, finest)}`;
}

function fit(value: number): { scaled: number; symbol: string } {
  let index = BASE_INDEX;
  let scaled = value;
  while (index > 0 && scaled !== 0 && Math.abs(scaled) < SMALLEST) {
    index -= 1;
    scaled *= STEP;
  }
  while (index < SYMBOLS.length - 1 && Math.abs(scaled) >= LARGEST) {
    index += 1;
    scaled /= STEP;
  }
  return { scaled, symbol: SYMBOLS[index] ?? '' };
}

function number(value: number, finest = Infinity): string {
  const places = Math.min(decimals(value), finest);
  const [whole = '', fraction = ''] = rounded(Math.abs(value), places).split('.');
  const significant = fraction.replace(/0+$/, '');
  const text =
    whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE) + (significant ? `.${significant}` : '');
  return value < 0 && text !== '0' ? `−${text}` : text;
}

/** How many decimals the digits of a value reach to; negative where they end before the point. */
function decimals(value: number): number {
  if (value === 0) {
    return 0;
  }
  const magnitude = Math.abs(value);
  return (magnitude >= 1 ? 3 : 2) - 1 - Math.floor(Math.log10(magnitude));
}

/** A positive number at so many decimals. Halves go to the even digit, as Python's `round` does. */
function rounded(value: number, places: number): string {
  if (places < 0) {
    const unit = 10 ** -places;
    return String(Number(rounded(value / unit, 0)) * unit);
  }
  const text = value.toFixed(places);
  const exact = value.toFixed(Math.min(100, places + TIE_DIGITS));
  const dropped = exact.slice(exact.length - Math.min(100 - places, TIE_DIGITS));
  const kept = exact.slice(0, exact.length - dropped.length).replace(/\.$/, '');
  return /^50*$/.test(dropped) && /[02468]$/.test(kept) ? kept : text;
}

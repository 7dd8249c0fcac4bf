/** The last minute's power as a line, for as long as there is no chart. */

import { svgElement } from './dom';

const WIDTH = 300;
const HEIGHT = 48;
/** Room for half the line's width at the top, and for the base line. */
const MARGIN = 2;
const MOST_POINTS = 30;

export class Sparkline {
  readonly node = svgElement('svg', {
    class: 'nbcarbon-spark',
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img'
  });

  constructor() {
    this.node.append(
      svgElement('path', { class: 'nbcarbon-spark-base', d: `M0 ${HEIGHT - 0.5}H${WIDTH}` }),
      this.line
    );
  }

  /** Draws readings from the oldest to the latest; null is a gap, and stays one. */
  draw(powerW: readonly (number | null)[], now: string): void {
    this.line.setAttribute('d', path(powerW.slice(-MOST_POINTS)));
    this.node.setAttribute('aria-label', `Power at the last readings, now ${now}`);
  }

  private readonly line = svgElement('path', { class: 'nbcarbon-spark-line' });
}

/** The line as an SVG path. The latest reading stands at the right, 0 at the bottom. */
export function path(powerW: readonly (number | null)[]): string {
  const highest = Math.max(...powerW.map(value => value ?? 0));
  if (highest <= 0) {
    return '';
  }
  const step = (WIDTH - 2 * MARGIN) / (MOST_POINTS - 1);
  let commands = '';
  let pen: 'M' | 'L' = 'M';
  powerW.forEach((value, index) => {
    if (value === null) {
      pen = 'M';
      return;
    }
    const x = WIDTH - MARGIN - (powerW.length - 1 - index) * step;
    const y = HEIGHT - MARGIN - (value / highest) * (HEIGHT - 2 * MARGIN);
    commands += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    if (pen === 'M') {
      commands += 'h0'; // A reading between two gaps is a dot: its line has no length, but round ends.
    }
    pen = 'L';
  });
  return commands;
}

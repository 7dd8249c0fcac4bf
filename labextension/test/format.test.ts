import { badgeText } from '../src/cellBadge';
import { energy, joules, parts, silence } from '../src/format';
import type { ICellFigures } from '../src/protocol';
import { golden } from './helpers';

const WH = { energy: '12.4\u00a0Wh', energy_range: '11.8 – 13.1' };
const FIGURES = { energy_j: 44640, low_j: 42480, high_j: 47160 };

const AS_PYTHON = Object.values(golden('joules')) as unknown as [number, string][];

test.each(AS_PYTHON)('%d J is written as the kernel writes it', (value, written) => {
  expect(joules(value)).toBe(written);
});

test('the kernel wrote some examples', () => {
  expect(AS_PYTHON.length).toBeGreaterThan(10);
});

test.each([
  [0.125, '0.12\u00a0J'],
  [0.375, '0.38\u00a0J'],
  [12.25, '12.2\u00a0J'],
  [12.75, '12.8\u00a0J'],
  [0.15, '0.15\u00a0J'],
  [2.675, '2.67\u00a0J'],
  [0.00005, '< 0.1\u00a0mJ'],
  [-2500, '−2.5\u00a0kJ'],
  [1.2345e15, '1\u202f230\u202f000\u00a0GJ']
])('halves go to the even digit, and what is nearly a half is none: %d', (value, written) => {
  expect(joules(value)).toBe(written);
});

test('watt-hours are the kernel’s own words', () => {
  expect(energy(FIGURES, WH, 'Wh')).toEqual({ value: WH.energy, range: WH.energy_range });
});

test('joules have their range in their own unit', () => {
  expect(energy(FIGURES, WH, 'J')).toEqual({ value: '44.6\u00a0kJ', range: '42.5 – 47.2' });
});

test('the ends of a range are no finer than the value', () => {
  const figures = { energy_j: 1234, low_j: 234.56, high_j: 2345 };
  expect(energy(figures, WH, 'J').range).toBe('0.23 – 2.35');
});

test('what is only about right stays so in joules', () => {
  const about = { energy: 'about 1.9\u00a0Wh', energy_range: '' };
  expect(energy(FIGURES, about, 'J')).toEqual({ value: 'about 44.6\u00a0kJ', range: '' });
});

test('what is only a range stays one in joules', () => {
  const text = { energy: '0 – 3\u00a0mWh', energy_range: '' };
  const figures = { energy_j: 2, low_j: 0, high_j: 10.8 };
  expect(energy(figures, text, 'J')).toEqual({ value: '0 – 10.8\u00a0J', range: '' });
});

test('what was not measured has no joules', () => {
  const nothing = { energy_j: null, low_j: null, high_j: null };
  const text = { energy: 'not measured', energy_range: '' };
  expect(energy(nothing, text, 'J')).toEqual({ value: 'not measured', range: '' });
});

test('zero joules that the kernel calls not measured stay not measured', () => {
  const nothing = { energy_j: 0, low_j: 0, high_j: 0 };
  const text = { energy: 'not measured', energy_range: '' };
  expect(energy(nothing, text, 'J').value).toBe('not measured');
});

test.each([
  ['12.4\u00a0Wh', { lead: '', figure: '12.4', unit: 'Wh' }],
  ['about 0.43\u00a0mWh', { lead: 'about', figure: '0.43', unit: 'mWh' }],
  ['0 – 3\u00a0mWh', { lead: '', figure: '0 – 3', unit: 'mWh' }],
  ['not measured', { lead: '', figure: 'not measured', unit: '' }]
])('a headline has parts: %s', (written, expected) => {
  expect(parts(written)).toEqual(expected);
});

test('a badge keeps its emissions and takes its energy in joules', () => {
  const cell = golden('cell') as unknown as ICellFigures;
  expect(badgeText(cell, 'Wh')).toBe(cell.text.badge);
  expect(badgeText(cell, 'J')).toBe('18.5\u00a0kJ\u00a0· 0.16\u00a0g');
});

test('silence is counted', () => {
  expect(silence(12)).toBe('no news for 12\u00a0s');
});

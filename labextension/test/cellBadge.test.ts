import { CellBadges } from '../src/cellBadge';
import { KernelFeed } from '../src/kernelFeed';
import { NotebookModel } from '../src/model';
import { DEFAULTS } from '../src/options';
import { FakeCell, FakeCellModel, FakePanel } from './fakeNotebook';
import { FakeClock, FakeContext, golden, goldenState, goldenText } from './helpers';

function figures(id: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...golden('cell'), id, ...changes };
}

function saved(id: string): Record<string, unknown> {
  const { session: _session, ...rest } = figures(id);
  return rest;
}

function setUp(...models: FakeCellModel[]): {
  context: FakeContext;
  model: NotebookModel;
  panel: FakePanel;
  badges: CellBadges;
} {
  const context = new FakeContext();
  const model = new NotebookModel(new KernelFeed(context.asContext), new FakeClock());
  const panel = new FakePanel(models, context);
  const badges = new CellBadges(panel.asPanel, model, DEFAULTS);
  jest.runAllTimers();
  return { context, model, panel, badges };
}

/** The badges of each cell, in the order of the cells. */
function shown(panel: FakePanel): string[] {
  return panel.content.widgets.map(cell => cell.badges.map(badge => badge.textContent).join(' + '));
}

beforeEach(() => {
  jest.useFakeTimers();
});

const BADGE = '5.13\u00a0Wh\u00a0· 0.16\u00a0g';

test('a cell that ran has one badge, at its end, with its words for all', () => {
  const { context, panel } = setUp(new FakeCellModel('a'), new FakeCellModel('b'));
  panel.content.widgets[1]?.node.append(document.createElement('pre'));
  context.receive(figures('b'));
  expect(shown(panel)).toEqual(['', BADGE]);
  const [, cell] = panel.content.widgets;
  expect(cell?.node.lastElementChild).toBe(cell?.badge);
  expect(cell?.badge.getAttribute('role')).toBe('note');
  expect(cell?.badge.title).toContain('97\u00a0% measured');
  expect(cell?.badge.getAttribute('aria-label')).toContain(BADGE);
  expect(cell?.badge.getAttribute('aria-label')).toContain('97\u00a0% measured');
});

test('a modelled figure looks modelled, and no longer once it was measured', () => {
  const { context, panel } = setUp(new FakeCellModel('a'));
  context.receive(figures('a', { known: 'modelled' }));
  const [cell] = panel.content.widgets;
  expect(cell?.badge.classList.contains('nbc-modelled')).toBe(true);
  context.receive(figures('a', { known: 'mixed' }));
  expect(cell?.badge.classList.contains('nbc-modelled')).toBe(false);
});

test('running a cell again dims its badge, and its figures replace it: never two', () => {
  const { context, model, panel } = setUp(new FakeCellModel('a'));
  context.receive(goldenState({ running: false, cell: null }));
  context.receive(figures('a'));
  const [cell] = panel.content.widgets;
  model.cellScheduled('a');
  expect(cell?.badge.classList.contains('nbc-stale')).toBe(true);
  const text = { ...goldenText('cell'), badge: '1\u00a0Wh', energy: '1\u00a0Wh' };
  context.receive(figures('a', { text }));
  expect(shown(panel)).toEqual(['1\u00a0Wh']);
  expect(cell?.badge.classList.contains('nbc-stale')).toBe(false);
});

test('a page that came late dims what the kernel says is running', () => {
  const { context, panel } = setUp(new FakeCellModel('a'));
  context.receive({ ...golden('cells'), cells: [saved('a')] });
  context.receive(goldenState({ cell: { id: 'a', name: 'train' } }));
  expect(panel.content.widgets[0]?.badge.classList.contains('nbc-stale')).toBe(true);
});

test('a cell that moves takes its badge along, though its widget is another', () => {
  const { context, panel } = setUp(new FakeCellModel('a'), new FakeCellModel('b'));
  context.receive(figures('a'));
  panel.content.move(0, 1);
  jest.runAllTimers();
  expect(shown(panel)).toEqual(['', BADGE]);
});

test('a copy of a cell has no badge, nor has a new one', () => {
  const { context, panel } = setUp(new FakeCellModel('a'));
  context.receive(figures('a'));
  const copy = new FakeCellModel('copy');
  copy.metadata.set('nbcarbon', saved('a'));
  panel.content.insert(1, new FakeCell(copy));
  jest.runAllTimers();
  expect(shown(panel)).toEqual([BADGE, '']);
});

test('many moves are one pass', () => {
  const { context, panel } = setUp(new FakeCellModel('a'), new FakeCellModel('b'));
  context.receive(figures('a'));
  panel.content.move(0, 1);
  panel.content.move(0, 1);
  expect(jest.getTimerCount()).toBe(1);
});

test('a node that was taken out and put back keeps its one badge', () => {
  const { context, panel } = setUp(new FakeCellModel('a'));
  const [cell] = panel.content.widgets;
  document.body.append(cell?.node ?? '');
  context.receive(figures('a'));
  cell?.node.remove();
  context.receive(figures('a'));
  document.body.append(cell?.node ?? '');
  panel.content.model.changed.emit();
  jest.runAllTimers();
  expect(shown(panel)).toEqual([BADGE]);
});

test('a badge that something removed is put back', () => {
  const { context, panel } = setUp(new FakeCellModel('a'));
  context.receive(figures('a'));
  panel.content.widgets[0]?.node.replaceChildren();
  context.receive(figures('a'));
  expect(shown(panel)).toEqual([BADGE]);
});

test('two views of a notebook have a badge each', () => {
  const { context, model, panel } = setUp(new FakeCellModel('a'));
  const second = new FakePanel(panel.content.model.models, context);
  new CellBadges(second.asPanel, model, DEFAULTS);
  jest.runAllTimers();
  context.receive(figures('a'));
  expect([...shown(panel), ...shown(second)]).toEqual([BADGE, BADGE]);
});

test('where badges are off there are none, and they come back', () => {
  const { context, panel, badges } = setUp(new FakeCellModel('a'));
  context.receive(figures('a'));
  badges.setOptions({ ...DEFAULTS, badges: false });
  expect(shown(panel)).toEqual(['']);
  context.receive(figures('a'));
  expect(shown(panel)).toEqual(['']);
  badges.setOptions(DEFAULTS);
  expect(shown(panel)).toEqual([BADGE]);
});

test('units change in place', () => {
  const { context, panel, badges } = setUp(new FakeCellModel('a'));
  context.receive(figures('a'));
  badges.setOptions({ ...DEFAULTS, units: 'J' });
  expect(shown(panel)).toEqual(['18.5\u00a0kJ\u00a0· 0.16\u00a0g']);
});

test('clearing a cell’s outputs takes its badge', () => {
  const cell = new FakeCellModel('a');
  const { context, panel } = setUp(cell);
  context.receive(figures('a'));
  cell.clearOutputs();
  expect(shown(panel)).toEqual(['']);
});

test('goodbye takes every badge', () => {
  const { context, panel } = setUp(new FakeCellModel('a'), new FakeCellModel('b'));
  context.receive({ ...golden('cells'), cells: [saved('a'), saved('b')] });
  expect(shown(panel)).toEqual([BADGE, BADGE]);
  context.receive(golden('bye'));
  expect(shown(panel)).toEqual(['', '']);
});

test('without a kernel, saved figures are shown; a kernel’s own go before them', () => {
  const cell = new FakeCellModel('a');
  cell.metadata.set('nbcarbon', saved('a'));
  const { context, panel } = setUp(cell);
  expect(shown(panel)).toEqual([BADGE]);
  const text = { ...goldenText('cell'), badge: '1\u00a0Wh', energy: '1\u00a0Wh' };
  context.receive(figures('a', { text }));
  expect(shown(panel)).toEqual(['1\u00a0Wh']);
});

test('saved figures go when the cell is run unmeasured', () => {
  const cell = new FakeCellModel('a');
  cell.metadata.set('nbcarbon', saved('a'));
  const { model, panel } = setUp(cell);
  model.cellScheduled('a');
  model.cellFinished('a', true);
  expect(shown(panel)).toEqual(['']);
});

test.each([{ v: 2 }, 'figures', { ...saved('a'), text: '<b>' }])(
  'metadata of others is left alone: %#',
  metadata => {
    const cell = new FakeCellModel('a');
    cell.metadata.set('nbcarbon', metadata);
    const { panel } = setUp(cell);
    expect(shown(panel)).toEqual(['']);
    expect(cell.metadata.get('nbcarbon')).toBe(metadata);
  }
);

test('a text cell has no badge', () => {
  const { context, panel } = setUp(new FakeCellModel('a', 'markdown'));
  context.receive(figures('a'));
  expect(shown(panel)).toEqual(['']);
});

test('a view that is closed is not drawn any more', () => {
  const { context, panel } = setUp(new FakeCellModel('a'));
  panel.disposed.emit();
  context.receive(figures('a'));
  expect(shown(panel)).toEqual(['']);
});

import { CellMetadata } from '../src/cellMetadata';
import { KernelFeed } from '../src/kernelFeed';
import { NotebookModel } from '../src/model';
import { DEFAULTS, type IOptions } from '../src/options';
import { FakeCellModel, FakePanel } from './fakeNotebook';
import { FakeClock, FakeContext, golden } from './helpers';

const WRITING: IOptions = { ...DEFAULTS, writeMetadata: true };

function setUp(options: IOptions): {
  cell: FakeCellModel;
  context: FakeContext;
  model: NotebookModel;
  panel: FakePanel;
} {
  const cell = new FakeCellModel('a');
  const context = new FakeContext();
  const model = new NotebookModel(new KernelFeed(context.asContext), new FakeClock());
  const panel = new FakePanel([new FakeCellModel('other'), cell], context);
  new CellMetadata(panel.asPanel, model, options);
  return { cell, context, model, panel };
}

function figures(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...golden('cell'), id: 'a', ...changes };
}

test('figures are kept as they came, without their session', () => {
  const { cell, context } = setUp(WRITING);
  context.receive(figures());
  const { session: _session, ...expected } = figures();
  expect(cell.metadata.get('nbcarbon')).toEqual(expected);
});

test('nothing is written unless it was asked for', () => {
  const { cell, context } = setUp(DEFAULTS);
  context.receive(figures());
  expect(cell.writes).toBe(0);
});

test('two views of a notebook write once', () => {
  const { cell, context, model, panel } = setUp(WRITING);
  new CellMetadata(panel.asPanel, model, WRITING);
  context.receive(figures());
  expect(cell.writes).toBe(1);
});

test('figures of a run before are replaced, or taken out where none may be written', () => {
  const { cell, context } = setUp(WRITING);
  context.receive(figures());
  context.receive(figures({ end_ms: 1 }));
  expect(cell.metadata.get('nbcarbon')).toHaveProperty('end_ms', 1);

  const reader = setUp(DEFAULTS);
  reader.cell.metadata.set('nbcarbon', figures());
  reader.context.receive(figures({ end_ms: 1 }));
  expect(reader.cell.metadata.has('nbcarbon')).toBe(false);
});

test('what another person’s page wrote of the same run stays', () => {
  const { cell, context } = setUp(DEFAULTS);
  cell.metadata.set('nbcarbon', figures());
  context.receive(figures());
  expect(cell.metadata.has('nbcarbon')).toBe(true);
});

test('figures go with a run that was not measured', () => {
  const { cell, context, model } = setUp(WRITING);
  context.receive(figures());
  context.restart();
  model.cellScheduled('a');
  model.cellFinished('a', true);
  expect(cell.metadata.has('nbcarbon')).toBe(false);
});

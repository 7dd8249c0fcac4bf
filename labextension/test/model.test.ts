import { KernelFeed } from '../src/kernelFeed';
import { NotebookModel, modelOf } from '../src/model';
import { FakeClock, FakeContext, golden, goldenState } from './helpers';

const RUNNING = 'e7a1-aaaa';
const CELL = '5f2f7f0e-4d2b-4c63-8a43-1f0f9c6d7e21';

function setUp(): {
  context: FakeContext;
  clock: FakeClock;
  model: NotebookModel;
  changes: () => number;
} {
  const context = new FakeContext();
  const clock = new FakeClock();
  const model = new NotebookModel(new KernelFeed(context.asContext), clock);
  let count = 0;
  model.changed.connect(() => (count += 1));
  return { context, clock, model, changes: () => count };
}

describe('the status', () => {
  test('says nothing before the kernel has answered', () => {
    expect(setUp().model.status).toBe('none');
  });

  test('is absent without nbcarbon', async () => {
    const { context, model, changes } = setUp();
    await context.kernel?.answer(false);
    expect(model.status).toBe('absent');
    expect(model.isPresent).toBe(false);
    expect(changes()).toBe(1);
  });

  test('follows what runs', () => {
    const { context, model } = setUp();
    context.receive(goldenState({ seq: 1 }));
    expect(model.status).toBe('live');
    context.receive({ ...golden('state_idle'), seq: 2 });
    expect(model.status).toBe('idle');
  });

  test('says once that the kernel’s nbcarbon is another', () => {
    const { context, model, changes } = setUp();
    context.receive({ ...golden('state'), v: 2 });
    context.receive({ ...golden('state'), v: 2 });
    expect(model.status).toBe('version');
    expect(changes()).toBe(1);
  });

  test('forgets another version with its kernel', () => {
    const { context, model } = setUp();
    context.receive({ ...golden('state'), v: 2 });
    context.restart();
    expect(model.status).toBe('none');
  });
});

test('a kernel is busy where it says so, and where its states say so', () => {
  const { context, model } = setUp();
  expect(model.isBusy).toBe(false);
  context.receive(goldenState());
  expect(model.isBusy).toBe(true);
  context.receive({ ...golden('state_idle'), seq: 13 });
  expect(model.isBusy).toBe(false);
  if (context.kernel !== null) {
    context.kernel.status = 'busy';
  }
  expect(model.isBusy).toBe(true);
});

describe('no news', () => {
  test('is told after three missed states, and counted', () => {
    const { context, clock, model, changes } = setUp();
    context.receive(goldenState());
    clock.pass(3);
    expect(model.silentS).toBeNull();
    expect(model.status).toBe('live');
    const before = changes();
    clock.pass(1);
    expect(model.silentS).toBe(4);
    expect(model.status).toBe('silent');
    clock.pass(1);
    expect(model.silentS).toBe(5);
    expect(changes() - before).toBe(2);
  });

  test('waits as long as the kernel promised', () => {
    const { context, clock, model } = setUp();
    context.receive(goldenState({ next_s: 5 }));
    clock.pass(15);
    expect(model.silentS).toBeNull();
    clock.pass(1);
    expect(model.silentS).toBe(16);
  });

  test('ends with the next state', () => {
    const { context, clock, model } = setUp();
    context.receive(goldenState());
    clock.pass(9);
    context.receive(goldenState({ seq: 13 }));
    expect(model.silentS).toBeNull();
    expect(model.status).toBe('live');
  });

  test('is never told of an idle kernel, and costs it no timer', () => {
    const { context, clock, model } = setUp();
    context.receive(goldenState());
    expect(clock.timers.size).toBe(1);
    context.receive({ ...golden('state_idle'), seq: 13 });
    expect(clock.timers.size).toBe(0);
    clock.pass(60);
    expect(model.silentS).toBeNull();
  });

  test('is told of a kernel that died in a cell', () => {
    const { context, clock, model } = setUp();
    context.receive(goldenState());
    context.statusChanged.emit('dead');
    clock.pass(4);
    expect(model.status).toBe('silent');
  });

  test('has one timer, however many states come', () => {
    const { context, clock } = setUp();
    context.receive(goldenState());
    context.receive(goldenState({ seq: 13 }));
    expect(clock.timers.size).toBe(1);
  });

  test('stops with the model', () => {
    const { context, clock, model } = setUp();
    context.receive(goldenState());
    model.dispose();
    expect(clock.timers.size).toBe(0);
  });
});

describe('a session', () => {
  test('that is over takes its state along, and leaves what its cells cost', () => {
    const { context, model } = setUp();
    context.receive(goldenState());
    context.receive(golden('cell'));
    context.receive(goldenState({ session: 'another', seq: 1 }));
    expect(model.state?.session).toBe('another');
    expect(model.figuresOf(CELL)?.text.energy).toBe('5.13\u00a0Wh');
  });

  test('never goes back to an older state', () => {
    const { context, model } = setUp();
    context.receive(goldenState({ seq: 12 }));
    context.receive(goldenState({ seq: 11, running: false }));
    expect(model.state?.seq).toBe(12);
  });

  test('ends with a restart, at once', () => {
    const { context, clock, model } = setUp();
    context.receive(goldenState());
    context.receive(golden('cell'));
    context.restart();
    expect(model.state).toBeNull();
    expect(model.status).toBe('none');
    expect(clock.timers.size).toBe(0);
    expect(model.figuresOf(CELL)).not.toBeNull();
  });

  test('ends with goodbye, and so do its badges', () => {
    const { context, model } = setUp();
    const cells: (string | null)[] = [];
    context.receive(goldenState());
    context.receive(golden('cell'));
    model.cellChanged.connect((_, id) => cells.push(id));
    context.receive(golden('bye'));
    expect(model.status).toBe('absent');
    expect(model.state).toBeNull();
    expect(model.figuresOf(CELL)).toBeNull();
    expect(cells).toContain(null);
  });
});

describe('cells', () => {
  test('have the figures of their last run', () => {
    const { context, model } = setUp();
    context.receive(golden('cells'));
    expect(model.figuresOf(CELL)?.index).toBe(3);
    context.receive({ ...golden('cell'), index: 9 });
    expect(model.figuresOf(CELL)?.index).toBe(9);
  });

  test('without an id are nobody’s', () => {
    const { context, model } = setUp();
    const changed: (string | null)[] = [];
    model.cellChanged.connect((_, id) => changed.push(id));
    context.receive({ ...golden('cell'), id: null });
    expect(changed).toEqual([]);
  });

  test('are stale while they run', () => {
    const { context, model } = setUp();
    const changed: (string | null)[] = [];
    model.cellChanged.connect((_, id) => changed.push(id));
    context.receive(goldenState());
    expect(model.isStale(RUNNING)).toBe(true);
    expect(changed).toEqual([RUNNING]);
    context.receive({ ...golden('state_idle'), seq: 13 });
    expect(model.isStale(RUNNING)).toBe(false);
    expect(changed).toEqual([RUNNING, RUNNING]);
  });

  test('are stale from the moment they are sent until their figures come', () => {
    const { context, model } = setUp();
    context.receive({ ...golden('state_idle'), seq: 1 });
    context.receive(golden('cell'));
    model.cellScheduled(CELL);
    expect(model.isStale(CELL)).toBe(true);
    model.cellFinished(CELL, true);
    expect(model.isStale(CELL)).toBe(true);
    context.receive({ ...golden('cell'), index: 9 });
    expect(model.isStale(CELL)).toBe(false);
    expect(model.isDropped(CELL)).toBe(false);
  });

  test.each([
    ['the kernel has no nbcarbon any more', null, true],
    ['measuring is paused', golden('state_paused'), true],
    ['they were not run', golden('state_idle'), false]
  ])('lose figures that are no longer theirs where %s', (_, state, ran) => {
    const { context, model } = setUp();
    context.receive(golden('cell'));
    if (state !== null) {
      context.receive(state);
    }
    model.cellScheduled(CELL);
    model.cellFinished(CELL, ran);
    expect(model.figuresOf(CELL)).toBeNull();
    expect(model.isDropped(CELL)).toBe(true);
  });

  test('lose them where their outputs are cleared, but not as they start', () => {
    const { context, model } = setUp();
    context.receive(golden('cell'));
    model.cellScheduled(CELL);
    model.cellCleared(CELL);
    expect(model.figuresOf(CELL)).not.toBeNull();
    context.receive(golden('cell'));
    model.cellCleared(CELL);
    expect(model.figuresOf(CELL)).toBeNull();
  });

  test('that ran in a kernel that is gone have none', () => {
    const { context, model } = setUp();
    context.receive(golden('cell'));
    model.cellScheduled(CELL);
    context.restart();
    expect(model.figuresOf(CELL)).toBeNull();
    expect(model.isStale(CELL)).toBe(false);
  });
});

test('answers are passed on, and choices kept', () => {
  const { context, model } = setUp();
  const answers: string[] = [];
  model.answered.connect((_, answer) => answers.push(answer.type));
  context.receive(golden('choices'));
  context.receive(golden('doctor'));
  context.receive(golden('said'));
  expect(answers).toEqual(['choices', 'doctor', 'said']);
  expect(model.choices?.zones[0]).toEqual(['FR', 'France']);
});

test('two views of a notebook share one model, until the notebook is closed', () => {
  const context = new FakeContext();
  const model = modelOf(context.asContext);
  expect(modelOf(context.asContext)).toBe(model);
  expect(modelOf(new FakeContext().asContext)).not.toBe(model);
  context.disposed.emit();
  expect(model.isDisposed).toBe(true);
});

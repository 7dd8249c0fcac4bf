import { KernelFeed, type IArrival } from '../src/kernelFeed';
import { FakeContext, FakeKernel, golden, goldenState } from './helpers';

function feedOf(context: FakeContext): { feed: KernelFeed; arrivals: IArrival[] } {
  const feed = new KernelFeed(context.asContext);
  const arrivals: IArrival[] = [];
  feed.arrived.connect((_, arrival) => arrivals.push(arrival));
  return { feed, arrivals };
}

function kernelOf(context: FakeContext): FakeKernel {
  if (context.kernel === null) {
    throw new Error('this context has no kernel');
  }
  return context.kernel;
}

test('a kernel without nbcarbon is sent nothing', async () => {
  const context = new FakeContext();
  const { feed } = feedOf(context);
  await kernelOf(context).answer(false);
  feed.send({ type: 'reset' });
  expect(feed.presence).toBe('absent');
  expect(kernelOf(context).sent).toEqual([]);
});

test('nothing is sent before the kernel has answered', () => {
  const context = new FakeContext();
  const { feed } = feedOf(context);
  feed.send({ type: 'reset' });
  expect(feed.presence).toBe('waiting');
  expect(kernelOf(context).sent).toEqual([]);
});

test('a kernel with nbcarbon is asked for its state and its cells, once, on its comm', async () => {
  const context = new FakeContext();
  const { feed } = feedOf(context);
  await kernelOf(context).answer(true);
  expect(kernelOf(context).sent).toEqual([
    { comm_id: 'nbcarbon.v1', data: { type: 'need', what: 'state', v: 1 } },
    { comm_id: 'nbcarbon.v1', data: { type: 'need', what: 'cells', v: 1 } }
  ]);
  expect(kernelOf(context).asked).toBe(1);
  expect(feed.joinedLate).toBe(true);
});

test('a kernel that loads nbcarbon later speaks first, and is asked for nothing', async () => {
  const context = new FakeContext();
  const { feed, arrivals } = feedOf(context);
  await kernelOf(context).answer(false);
  context.receive(golden('state_first'));
  context.receive(goldenState({ seq: 2 }));
  expect(feed.presence).toBe('present');
  expect(feed.joinedLate).toBe(false);
  expect(arrivals).toHaveLength(2);
  expect(kernelOf(context).needs).toEqual([]);
});

test('in a busy kernel the first state stands for the answer, and its cells are asked for', async () => {
  const context = new FakeContext();
  const { feed } = feedOf(context);
  context.receive(goldenState({ seq: 12 }));
  context.receive(goldenState({ seq: 13 }));
  expect(kernelOf(context).needs).toEqual(['cells']);
  await kernelOf(context).answer(true);
  expect(kernelOf(context).needs).toEqual(['cells']);
  expect(feed.joinedLate).toBe(true);
});

test('an answer that is older than a state does not unsay it', async () => {
  const context = new FakeContext();
  const { feed } = feedOf(context);
  context.receive(golden('state_first'));
  await kernelOf(context).answer(false);
  expect(feed.presence).toBe('present');
});

test('a restart clears, and the new kernel is asked anew', async () => {
  const context = new FakeContext();
  const { feed } = feedOf(context);
  await kernelOf(context).answer(true);
  let cleared = 0;
  feed.cleared.connect(() => (cleared += 1));
  context.restart();
  expect(cleared).toBe(1);
  expect(feed.presence).toBe('waiting');
  expect(kernelOf(context).asked).toBe(2);
  await kernelOf(context).answer(false);
  expect(feed.presence).toBe('absent');
});

test('a connection that was lost is no restart: what is known stays, and news is asked for', async () => {
  const context = new FakeContext();
  const { feed } = feedOf(context);
  await kernelOf(context).answer(true);
  let cleared = 0;
  feed.cleared.connect(() => (cleared += 1));
  context.connectionStatusChanged.emit('connecting');
  context.connectionStatusChanged.emit('connected');
  await kernelOf(context).answer(true);
  expect(cleared).toBe(0);
  expect(kernelOf(context).needs).toEqual(['state', 'cells', 'state', 'cells']);
});

test('a late answer of the kernel before is not taken for this one’s', async () => {
  const context = new FakeContext();
  const { feed } = feedOf(context);
  const old = kernelOf(context);
  const fresh = new FakeKernel();
  context.change(fresh);
  await old.answer(true);
  expect(feed.presence).toBe('waiting');
  await fresh.answer(false);
  expect(feed.presence).toBe('absent');
});

test('a kernel that is still connecting is asked when it is connected', () => {
  const kernel = new FakeKernel();
  kernel.connectionStatus = 'connecting';
  const context = new FakeContext(kernel);
  feedOf(context);
  expect(kernel.asked).toBe(0);
  kernel.connectionStatus = 'connected';
  context.connectionStatusChanged.emit('connected');
  expect(kernel.asked).toBe(1);
});

test('no kernel, no question', () => {
  const context = new FakeContext(null);
  const { feed } = feedOf(context);
  expect(feed.hasKernel).toBe(false);
  feed.send({ type: 'reset' });
});

test('what other comms say is not heard', () => {
  const context = new FakeContext();
  const { arrivals } = feedOf(context);
  context.receive(goldenState(), 'somebody else’s');
  expect(arrivals).toEqual([]);
});

test('after goodbye nothing is sent', async () => {
  const context = new FakeContext();
  const { feed } = feedOf(context);
  await kernelOf(context).answer(true);
  context.receive(golden('bye'));
  const before = kernelOf(context).sent.length;
  feed.send({ type: 'reset' });
  expect(feed.presence).toBe('absent');
  expect(kernelOf(context).sent).toHaveLength(before);
});

test('a feed that was put away hears nothing', () => {
  const context = new FakeContext();
  const { feed, arrivals } = feedOf(context);
  feed.dispose();
  context.receive(goldenState());
  expect(arrivals).toEqual([]);
});

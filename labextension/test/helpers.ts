/** Light stand-ins for a session, a kernel and a clock, and messages to send through them. */

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import type { ISessionContext } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';

import type { IClock } from '../src/model';
import { COMM_ID, parse, type IState } from '../src/protocol';

const GOLDEN = join(__dirname, '../../tests/wire/golden');

/** Every message that the kernel's own code wrote down, by name. */
export function goldenNames(): string[] {
  return readdirSync(GOLDEN)
    .filter(name => name.endsWith('.json'))
    .map(name => name.slice(0, -'.json'.length));
}

export function golden(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(GOLDEN, `${name}.json`), 'utf8')) as Record<string, unknown>;
}

/** The words of one example. */
export function goldenText(name: string): Record<string, unknown> {
  return golden(name)['text'] as Record<string, unknown>;
}

export function goldenState(changes: Record<string, unknown> = {}): IState {
  const state = parse({ ...golden('state'), ...changes });
  if (state === null || state === 'version' || state.type !== 'state') {
    throw new Error('tests/wire/golden/state.json is no state');
  }
  return state;
}

export interface ISent {
  readonly comm_id: string;
  readonly data: Record<string, unknown>;
}

type CommInfo = (comms: Record<string, { target_name: string }>) => void;

/** A kernel that answers `comm_info_request` when a test says so, and keeps what it was sent. */
export class FakeKernel {
  connectionStatus = 'connected';
  status = 'idle';
  readonly username = '';
  readonly clientId = 'page';
  readonly sent: ISent[] = [];
  asked = 0;

  requestCommInfo(): Promise<unknown> {
    this.asked += 1;
    return new Promise(resolve => {
      this.pending.push(comms => {
        resolve({ content: { status: 'ok', comms } });
      });
    });
  }

  sendShellMessage(message: { content: ISent }): void {
    this.sent.push(message.content);
  }

  /** Answers the oldest question: nbcarbon is there or it is not. */
  async answer(present: boolean): Promise<void> {
    this.pending.shift()?.(present ? { [COMM_ID]: { target_name: 'nbcarbon' } } : {});
    await Promise.resolve();
    await Promise.resolve();
  }

  /** What was asked for with `need`. */
  get needs(): unknown[] {
    return this.sent.filter(({ data }) => data['type'] === 'need').map(({ data }) => data['what']);
  }

  private readonly pending: CommInfo[] = [];
}

export class FakeContext {
  session: { kernel: FakeKernel | null } | null;
  readonly kernelChanged = new Signal<this, unknown>(this);
  readonly statusChanged = new Signal<this, string>(this);
  readonly connectionStatusChanged = new Signal<this, string>(this);
  readonly iopubMessage = new Signal<this, unknown>(this);
  readonly disposed = new Signal<this, void>(this);

  constructor(readonly kernel: FakeKernel | null = new FakeKernel()) {
    this.session = { kernel };
  }

  get asContext(): ISessionContext {
    return this as unknown as ISessionContext;
  }

  /** The kernel sends this on a comm, ours unless told otherwise. */
  receive(data: unknown, commId = COMM_ID): void {
    this.iopubMessage.emit({
      channel: 'iopub',
      header: { msg_type: 'comm_msg' },
      content: { comm_id: commId, data },
      buffers: []
    });
  }

  /** As JupyterLab does it: the kernel restarts, then the page connects to it again. */
  restart(): void {
    this.statusChanged.emit('restarting');
    this.connectionStatusChanged.emit('connecting');
    this.connectionStatusChanged.emit('connected');
  }

  change(kernel: FakeKernel | null): void {
    this.session = { kernel };
    this.kernelChanged.emit({});
  }
}

export class FakeClock implements IClock {
  nowMs = 0;
  timers = new Set<() => void>();

  now(): number {
    return this.nowMs;
  }

  every(_intervalMs: number, callback: () => void): () => void {
    this.timers.add(callback);
    return () => this.timers.delete(callback);
  }

  pass(seconds: number): void {
    for (let second = 0; second < seconds; second += 1) {
      this.nowMs += 1000;
      [...this.timers].forEach(tick => {
        tick();
      });
    }
  }
}

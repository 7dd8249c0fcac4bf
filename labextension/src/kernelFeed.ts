/**
 * One kernel's messages on the comm `nbcarbon.v1`, for as long as a notebook lives: it follows the
 * session through other kernels, restarts and lost connections.
 *
 * The comm is never opened and no comm object is made for it. JupyterLab allows one such object per
 * connection, refuses it on a kernel's second connection, and would give it a thread of its own in
 * the kernel; reading and writing plain `comm_msg` needs none of that.
 */

import type { ISessionContext } from '@jupyterlab/apputils';
import { KernelMessage, type Kernel } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import {
  COMM_ID,
  COMM_TARGET,
  VERSION,
  parse,
  type IState,
  type Message,
  type Request
} from './protocol';

/** What is known about the kernel: no answer yet, no nbcarbon in it, or nbcarbon in it. */
export type Presence = 'waiting' | 'absent' | 'present';

export interface IArrival {
  readonly message: Message | 'version';
  readonly buffers: readonly (ArrayBuffer | ArrayBufferView)[];
  /** The message as it came, with the fields that this page has no use for. */
  readonly raw: JSONObject;
}

export class KernelFeed implements IDisposable {
  constructor(private readonly context: ISessionContext) {
    context.kernelChanged.connect(this.onKernelChanged, this);
    context.statusChanged.connect(this.onStatus, this);
    context.connectionStatusChanged.connect(this.onConnection, this);
    context.iopubMessage.connect(this.onMessage, this);
    this.meet();
  }

  /** Everything said so far belongs to a kernel that is gone. */
  get cleared(): ISignal<this, void> {
    return this._cleared;
  }

  get presenceChanged(): ISignal<this, void> {
    return this._presenceChanged;
  }

  get arrived(): ISignal<this, IArrival> {
    return this._arrived;
  }

  get presence(): Presence {
    return this._presence;
  }

  /** Whether the page came to a kernel where nbcarbon had been at work already. */
  get joinedLate(): boolean {
    return this._joinedLate;
  }

  get hasKernel(): boolean {
    return this.kernel !== null;
  }

  get isBusy(): boolean {
    return this.kernel?.status === 'busy';
  }

  /** Sent only to a kernel that is known to listen: to any other it would be an error in its log. */
  send(request: Request): void {
    const kernel = this.kernel;
    if (kernel === null || this._presence !== 'present') {
      return;
    }
    const message = KernelMessage.createMessage<KernelMessage.ICommMsgMsg<'shell'>>({
      msgType: 'comm_msg',
      channel: 'shell',
      username: kernel.username,
      session: kernel.clientId,
      content: { comm_id: COMM_ID, data: { ...request, v: VERSION } }
    });
    kernel.sendShellMessage(message, false, true);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.clearData(this);
    }
  }

  private get kernel(): Kernel.IKernelConnection | null {
    return this.context.session?.kernel ?? null;
  }

  private onKernelChanged(): void {
    this.forget();
    this.meet();
  }

  private onStatus(_: ISessionContext, status: Kernel.Status): void {
    if (status === 'restarting' || status === 'autorestarting') {
      this.forget();
    }
  }

  private onConnection(_: ISessionContext, status: Kernel.ConnectionStatus): void {
    if (status === 'connected') {
      this.meet();
    }
  }

  private forget(): void {
    this.meeting += 1;
    this.heard = false;
    this._joinedLate = false;
    this._presence = 'waiting';
    this._cleared.emit();
  }

  /** Asks a kernel once per connection whether it has nbcarbon, and if so for what it knows. */
  private meet(): void {
    const kernel = this.kernel;
    if (kernel?.connectionStatus !== 'connected') {
      return;
    }
    this.meeting += 1;
    this.askedCells = false;
    this.heard = false;
    const meeting = this.meeting;
    kernel.requestCommInfo({ target_name: COMM_TARGET }).then(
      reply => {
        if (meeting === this.meeting && !this._isDisposed) {
          this.onCommInfo(reply.content);
        }
      },
      () => {
        // The kernel went away before it answered: the next connection asks again.
      }
    );
  }

  private onCommInfo(content: KernelMessage.ICommInfoReplyMsg['content']): void {
    if (this.heard) {
      return; // A state that came meanwhile is news enough, and newer than this answer.
    }
    if (content.status !== 'ok' || !(COMM_ID in content.comms)) {
      this.setPresence('absent');
      return;
    }
    this._joinedLate = true;
    this.setPresence('present');
    this.send({ type: 'need', what: 'state' });
    this.askCells();
  }

  private onMessage(_: ISessionContext, message: KernelMessage.IMessage): void {
    if (!KernelMessage.isCommMsgMsg(message) || message.content.comm_id !== COMM_ID) {
      return;
    }
    const parsed = parse(message.content.data);
    if (parsed === null) {
      return;
    }
    if (parsed !== 'version') {
      this.setPresence(parsed.type === 'bye' ? 'absent' : 'present');
      if (parsed.type === 'state') {
        this.onState(parsed);
      }
    }
    this._arrived.emit({
      message: parsed,
      buffers: message.buffers ?? [],
      raw: message.content.data
    });
  }

  /** A state that nobody asked for, of a kernel that was at work before this page listened. */
  private onState(state: IState): void {
    if (!this.heard) {
      this.heard = true;
      if (state.seq > 1) {
        this._joinedLate = true;
        this.askCells();
      }
    }
  }

  private askCells(): void {
    if (!this.askedCells) {
      this.askedCells = true;
      this.send({ type: 'need', what: 'cells' });
    }
  }

  private setPresence(presence: Presence): void {
    if (presence !== this._presence) {
      this._presence = presence;
      this._presenceChanged.emit();
    }
  }

  private _presence: Presence = 'waiting';
  private _joinedLate = false;
  private _isDisposed = false;
  private heard = false;
  private askedCells = false;
  /** Counts connections, so that a late answer of an earlier one is not taken for this one's. */
  private meeting = 0;
  private readonly _cleared = new Signal<this, void>(this);
  private readonly _presenceChanged = new Signal<this, void>(this);
  private readonly _arrived = new Signal<this, IArrival>(this);
}

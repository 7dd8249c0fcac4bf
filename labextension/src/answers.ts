/** What a kernel says to what this page asked of it. Other pages of the same kernel hear it too. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import { element } from './dom';
import type { NotebookModel } from './model';
import type { IChoices, IDoctor, ISaid } from './protocol';

/** Without this a notification goes to the list behind the bell and is not shown. */
export const SHOWN_MS = 6000;

export class Answers {
  /** An answer of this kernel is for this page. */
  expect(model: NotebookModel): void {
    this.expected.set(model, (this.expected.get(model) ?? 0) + 1);
    model.answered.connect(this.onAnswer, this);
  }

  private onAnswer(model: NotebookModel, answer: IChoices | IDoctor | ISaid): void {
    const open = this.expected.get(model) ?? 0;
    if (open === 0 || answer.type === 'choices') {
      return;
    }
    this.expected.set(model, open - 1);
    if (answer.type === 'doctor') {
      showLines(answer.lines);
    } else if (answer.ok) {
      Notification.success(answer.text, { autoClose: SHOWN_MS });
    } else {
      Notification.error(answer.text, { autoClose: false });
    }
  }

  private readonly expected = new WeakMap<NotebookModel, number>();
}

function showLines(lines: readonly string[]): void {
  const body = new Widget({ node: element('div', 'nbcarbon-dialog') });
  body.node.append(element('pre', 'nbcarbon-lines', lines.join('\n'), { tabindex: '0' }));
  void showDialog({
    title: 'What can be measured here',
    body,
    buttons: [Dialog.okButton({ label: 'Close' })]
  });
}

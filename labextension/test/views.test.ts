import { hasBokeh } from '../src/bokeh';
import { cellOf, goToCell } from '../src/goToCell';
import { DEFAULTS, readOptions } from '../src/options';
import { path, Sparkline } from '../src/sparkline';
import { statusLine } from '../src/statusItem';
import { Summary } from '../src/summary';
import { FakeCellModel, FakePanel } from './fakeNotebook';
import { FakeContext, golden, goldenState } from './helpers';

describe('the status line', () => {
  const state = goldenState();

  test('has power, energy and emissions', () => {
    expect(statusLine(state, null, DEFAULTS)).toBe('308\u00a0W · 10.7\u00a0Wh · 0.33\u00a0gCO₂e');
  });

  test('says for how long there is no news', () => {
    expect(statusLine(state, 12, DEFAULTS)).toBe(
      'no news for 12\u00a0s · 10.7\u00a0Wh · 0.33\u00a0gCO₂e'
    );
  });

  test('has what the user wants, in the user’s unit', () => {
    const statusBar = { power: false, energy: true, emissions: false };
    expect(statusLine(state, null, { ...DEFAULTS, statusBar, units: 'J' })).toBe('38.6\u00a0kJ');
  });

  test('is nothing where nothing is wanted', () => {
    const statusBar = { power: false, energy: false, emissions: false };
    expect(statusLine(state, null, { ...DEFAULTS, statusBar })).toBe('');
  });
});

describe('the head', () => {
  const actions = { setZone: jest.fn(), perform: jest.fn() };
  const find = (summary: Summary, selector: string): HTMLElement => {
    const node = summary.node.querySelector<HTMLElement>(selector);
    if (node === null) {
      throw new Error(`there is no ${selector}`);
    }
    return node;
  };

  test('shows a state in its own words', () => {
    const summary = new Summary(actions);
    summary.draw(goldenState(), null, 'Wh');
    const text = summary.node.textContent;
    for (const words of ['10.7', 'Wh', '10.3 – 11.2', '0.33\u00a0gCO₂e', '0.29 – 0.38']) {
      expect(text).toContain(words);
    }
    expect(text).toContain('about half of a phone charge (19\u00a0Wh, US EPA 2024)');
    expect(find(summary, '[data-nbc-known]').dataset['nbcKnown']).toBe('mixed');
    expect(find(summary, '.nbcarbon-warning').hidden).toBe(true);
    expect(summary.node.getAttribute('aria-live')).toBe('off');
  });

  test('has a button for what a warning asks for, and none where it asks for nothing', () => {
    const summary = new Summary(actions);
    const draw = (action: string): HTMLElement => {
      summary.draw(goldenState({ warning: { text: 'So it is.', action } }), null, 'Wh');
      return find(summary, '.nbcarbon-warning button');
    };
    expect(draw('doctor').textContent).toBe('Details');
    expect(draw('zone').textContent).toBe('Set zone');
    draw('zone').click();
    expect(actions.perform).toHaveBeenLastCalledWith('zone');
    expect(draw('').hidden).toBe(true);
    expect(draw('something new').hidden).toBe(true);
  });

  test('sets the zone from its chip', () => {
    const summary = new Summary(actions);
    summary.draw(goldenState(), null, 'Wh');
    find(summary, 'button.nbcarbon-zone').click();
    expect(actions.setZone).toHaveBeenCalledTimes(1);
  });

  test('keeps its nodes through news, so that focus and clicks survive', () => {
    const summary = new Summary(actions);
    summary.draw(goldenState(), null, 'Wh');
    const before = [...summary.node.querySelectorAll('*')];
    summary.draw(goldenState({ seq: 13 }), 4, 'J');
    expect([...summary.node.querySelectorAll('*')]).toEqual(before);
  });

  test('writes names as text, whatever is in them', () => {
    const summary = new Summary(actions);
    const text = { ...goldenState().text, session: '<img src=x>.ipynb', zone: '<b>X</b>' };
    summary.draw(goldenState({ text }), null, 'Wh');
    expect(summary.node.querySelector('img')).toBeNull();
    expect(summary.node.textContent).toContain('<img src=x>.ipynb');
  });

  test('says that nothing is heard, and for how long', () => {
    const summary = new Summary(actions);
    summary.draw(goldenState(), 12, 'Wh');
    expect(summary.node.textContent).toContain('no news for 12\u00a0s');
  });
});

describe('the sparkline', () => {
  test('draws gaps as gaps', () => {
    expect(path([1, 2, null, 2, 1]).match(/M/g)).toHaveLength(2);
  });

  test('stands on zero', () => {
    expect(path([0, 10])).toMatch(/^M[\d.]+ 46\.0h0L298\.0 2\.0$/);
  });

  test('draws nothing of nothing', () => {
    expect(path([])).toBe('');
    expect(path([null, null])).toBe('');
  });

  test('has words', () => {
    const sparkline = new Sparkline();
    sparkline.draw([1], '41\u00a0W');
    expect(sparkline.node.getAttribute('aria-label')).toContain('41\u00a0W');
  });
});

describe('going to a cell', () => {
  test('brings it into view and makes it the active one', async () => {
    const panel = new FakePanel(
      [new FakeCellModel('a'), new FakeCellModel('b')],
      new FakeContext()
    );
    await goToCell(panel.asPanel, 'b');
    expect(panel.content.activeCellIndex).toBe(1);
    expect(panel.content.scrolledTo).toBe(1);
  });

  test('goes nowhere for a cell that is gone', async () => {
    const panel = new FakePanel([new FakeCellModel('a')], new FakeContext());
    await goToCell(panel.asPanel, 'b');
    expect(panel.content.scrolledTo).toBeNull();
  });

  test.each([
    [new CustomEvent('x', { detail: { cell: 'a' } }), 'a'],
    [new CustomEvent('x', { detail: { cell: 7 } }), null],
    [new CustomEvent('x'), null],
    [new Event('x'), null]
  ])('reads only what is an id: %#', (event, expected) => {
    expect(cellOf(event)).toBe(expected);
  });
});

describe('settings', () => {
  test('are what was stored', () => {
    const stored = {
      badges: false,
      units: 'J',
      statusBar: { power: false, energy: true, emissions: false },
      writeMetadata: true
    };
    expect(readOptions(stored)).toEqual(stored);
  });

  test.each([undefined, null, 'x', {}, { badges: 'no', units: 'cal', statusBar: [] }])(
    'have defaults for what is missing or broken: %#',
    stored => {
      expect(readOptions(stored)).toEqual(DEFAULTS);
    }
  );
});

test('a chart library is known by its version, alone or beside another', () => {
  expect(hasBokeh('3.9.2')).toBe(false);
  Object.assign(window, { Bokeh: { version: '3.4.0', '3.9.2': {} } });
  expect(hasBokeh('3.4.0')).toBe(true);
  expect(hasBokeh('3.9.2')).toBe(true);
  expect(hasBokeh('3.9.1')).toBe(false);
  Reflect.deleteProperty(window, 'Bokeh');
});

test('the golden state is the one the tests above speak of', () => {
  expect(golden('state')['running']).toBe(true);
});

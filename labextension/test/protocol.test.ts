import { parse, parseCard, parseSavedCell, type Message } from '../src/protocol';
import { golden, goldenNames, goldenText } from './helpers';

/** Golden files that are no message, and the one message that only the kernel's own widget reads. */
const OTHERS = ['card', 'joules'];
const UNUSED = ['history'];

function parsed(data: unknown): Message {
  const message = parse(data);
  if (message === null || message === 'version') {
    throw new Error(`not a message: ${JSON.stringify(message)}`);
  }
  return message;
}

describe('what the kernel’s own code wrote', () => {
  const messages = goldenNames().filter(name => ![...OTHERS, ...UNUSED].includes(name));

  test.each(messages)('%s is understood', name => {
    expect(parsed(golden(name))).toEqual(golden(name));
  });

  test('every type of message is among them', () => {
    const types = new Set(messages.map(name => golden(name)['type']));
    expect([...types].sort()).toEqual(
      ['bokehjs', 'bye', 'cell', 'cells', 'choices', 'doctor', 'said', 'state'].sort()
    );
  });

  test.each(UNUSED)('%s is ignored', name => {
    expect(parse(golden(name))).toBeNull();
  });

  test('the card has everything it shows', () => {
    const card = parseCard(golden('card'));
    expect(card?.name).toBe('train');
    expect(card?.devices.length).toBeGreaterThan(0);
  });

  test('a cell is understood where it was saved, without its session', () => {
    const { session: _session, ...saved } = golden('cell');
    expect(parseSavedCell(saved)).toEqual(saved);
  });
});

describe('what is let through', () => {
  test('fields that a newer kernel added', () => {
    expect(parsed({ ...golden('state'), added: [1] })).toHaveProperty('added');
  });

  test.each(['energy_j', 'low_j', 'high_j', 'panel', 'bokeh', 'cell', 'warning'])(
    'a state whose %s is not known',
    key => {
      expect(parsed({ ...golden('state'), [key]: null })).toHaveProperty('type', 'state');
    }
  );

  test('a cell without an id', () => {
    expect(parsed({ ...golden('cell'), id: null })).toHaveProperty('type', 'cell');
  });
});

describe('what is ignored', () => {
  test.each([
    ['nothing', undefined],
    ['a word', 'state'],
    ['a list', [golden('state')]],
    ['no version', { type: 'bye' }],
    ['no type', { v: 1 }],
    ['an unknown type', { type: 'weather', v: 1 }],
    ['an object’s own words for a type', { type: 'constructor', v: 1 }],
    ['a state without its text', { ...golden('state'), text: undefined }],
    ['a state with a number for a text', { ...golden('state'), text: { power: 1 } }],
    ['a state with a reading that is a word', { ...golden('state'), recent_w: ['much'] }],
    ['a number that is none', { ...golden('state'), energy_j: NaN }],
    ['a figure known in a new way', { ...golden('state'), known: 'guessed' }],
    ['choices that are no pairs', { type: 'choices', v: 1, zones: [['FR']], formats: [] }],
    ['lines that are none', { type: 'doctor', v: 1, lines: 'all is well' }],
    ['a library packed in a new way', { ...golden('bokehjs'), encoding: 'zip' }]
  ])('%s', (_, data) => {
    expect(parse(data)).toBeNull();
  });

  test.each([
    ['no text', { v: 1 }],
    ['a text without devices', { text: { ...goldenText('card'), devices: null } }],
    ['a number for a notice', { text: { ...goldenText('card'), notices: [1] } }]
  ])('a card with %s', (_, data) => {
    expect(parseCard(data)).toBeNull();
  });

  test.each([undefined, null, {}, { ...golden('cell'), v: 2 }, { ...golden('cell'), text: {} }])(
    'metadata that is not ours: %#',
    data => {
      expect(parseSavedCell(data)).toBeNull();
    }
  );
});

test('another version is told apart from what is broken', () => {
  expect(parse({ ...golden('state'), v: 2 })).toBe('version');
  expect(parse({ type: 'something new', v: 2 })).toBe('version');
});

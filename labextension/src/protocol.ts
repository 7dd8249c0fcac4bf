/**
 * What a kernel and a page say to each other (docs/wire.md): the types, and one guard per message.
 *
 * Nothing from a kernel or from a saved notebook is used before its guard has seen it. A guard lets
 * through fields it does not know, so that a newer kernel may add some.
 */

/** The comm that the kernel registers and nobody opens. */
export const COMM_ID = 'nbcarbon.v1';
export const COMM_TARGET = 'nbcarbon';
export const VERSION = 1;
export const CARD_MIME = 'application/vnd.nbcarbon.v1+json';

export type Known = 'measured' | 'mixed' | 'modelled' | 'unknown';

/** A number that is not known is null, never 0. */
export interface IEnergy {
  readonly energy_j: number | null;
  readonly low_j: number | null;
  readonly high_j: number | null;
}

export interface IState extends IEnergy {
  readonly type: 'state';
  readonly v: typeof VERSION;
  readonly session: string;
  readonly seq: number;
  readonly next_s: number;
  readonly running: boolean;
  readonly measuring: boolean;
  readonly cell: { readonly id: string | null; readonly name: string } | null;
  readonly known: Known;
  readonly recent_w: readonly (number | null)[];
  readonly warning: { readonly text: string; readonly action: string } | null;
  readonly text: {
    readonly power: string;
    readonly energy: string;
    readonly energy_range: string;
    readonly emissions: string;
    readonly emissions_range: string;
    readonly equivalent: string;
    readonly known: string;
    readonly zone: string;
    readonly place: string;
    readonly session: string;
    readonly running: string;
  };
  readonly panel: string | null;
  readonly bokeh: string | null;
}

export interface ICellFigures extends IEnergy {
  readonly index: number;
  readonly id: string | null;
  readonly end_ms: number;
  readonly known: Known;
  readonly text: { readonly badge: string; readonly energy: string; readonly tooltip: string };
}

export interface ICell extends ICellFigures {
  readonly type: 'cell';
  readonly v: typeof VERSION;
  readonly session: string;
}

export interface ICells {
  readonly type: 'cells';
  readonly v: typeof VERSION;
  readonly session: string;
  readonly cells: readonly ICellFigures[];
}

export interface IBokehJs {
  readonly type: 'bokehjs';
  readonly v: typeof VERSION;
  readonly version: string;
  readonly encoding: 'deflate';
}

export interface IChoices {
  readonly type: 'choices';
  readonly v: typeof VERSION;
  readonly zones: readonly (readonly [string, string])[];
  readonly formats: readonly (readonly [string, string])[];
}

export interface IDoctor {
  readonly type: 'doctor';
  readonly v: typeof VERSION;
  readonly lines: readonly string[];
}

export interface ISaid {
  readonly type: 'said';
  readonly v: typeof VERSION;
  readonly ok: boolean;
  readonly text: string;
}

export interface IBye {
  readonly type: 'bye';
  readonly v: typeof VERSION;
}

export type Message = IState | ICell | ICells | IBokehJs | IChoices | IDoctor | ISaid | IBye;

export type Request =
  | { readonly type: 'need'; readonly what: 'state' | 'cells' | 'bokehjs' | 'choices' | 'doctor' }
  | { readonly type: 'set'; readonly name: 'zone'; readonly value: string }
  | { readonly type: 'export'; readonly path: string }
  | { readonly type: 'reset' };

/** The `text` of a card: everything it shows, ready to show. */
export interface ICardText {
  readonly name: string;
  readonly duration: string;
  readonly energy: string;
  readonly energy_range: string;
  readonly emissions: string;
  readonly emissions_range: string;
  readonly quiet: string;
  readonly devices: readonly {
    readonly name: string;
    readonly energy: string;
    readonly range: string;
    readonly power: string;
    readonly how: string;
  }[];
  readonly rest: readonly string[];
  readonly notices: readonly string[];
}

type Guard<T> = (value: unknown) => value is T;

const isString: Guard<string> = value => typeof value === 'string';
const isNumber: Guard<number> = (value): value is number =>
  typeof value === 'number' && Number.isFinite(value);
const isBoolean: Guard<boolean> = value => typeof value === 'boolean';

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function literal<const T extends string | number>(...allowed: readonly T[]): Guard<T> {
  const set: ReadonlySet<unknown> = new Set(allowed);
  return (value): value is T => set.has(value);
}

function orNull<T>(guard: Guard<T>): Guard<T | null> {
  return (value): value is T | null => value === null || guard(value);
}

function listOf<T>(guard: Guard<T>): Guard<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.every(guard);
}

function pairOf<A, B>(first: Guard<A>, second: Guard<B>): Guard<readonly [A, B]> {
  return (value): value is readonly [A, B] =>
    Array.isArray(value) && value.length === 2 && first(value[0]) && second(value[1]);
}

function shape<T>(fields: { readonly [K in keyof T]-?: Guard<T[K]> }): Guard<T> {
  const guards = Object.entries<Guard<unknown>>(fields);
  return (value): value is T =>
    isObject(value) && guards.every(([key, guard]) => guard(value[key]));
}

const ENERGY_FIELDS = {
  energy_j: orNull(isNumber),
  low_j: orNull(isNumber),
  high_j: orNull(isNumber)
};
const isKnown = literal('measured', 'mixed', 'modelled', 'unknown');
const isVersion = literal(VERSION);

const CELL_FIELDS = {
  ...ENERGY_FIELDS,
  index: isNumber,
  id: orNull(isString),
  end_ms: isNumber,
  known: isKnown,
  text: shape<ICellFigures['text']>({ badge: isString, energy: isString, tooltip: isString })
};

const isState = shape<IState>({
  ...ENERGY_FIELDS,
  type: literal('state'),
  v: isVersion,
  session: isString,
  seq: isNumber,
  next_s: isNumber,
  running: isBoolean,
  measuring: isBoolean,
  cell: orNull(shape({ id: orNull(isString), name: isString })),
  known: isKnown,
  recent_w: listOf(orNull(isNumber)),
  warning: orNull(shape({ text: isString, action: isString })),
  text: shape<IState['text']>({
    power: isString,
    energy: isString,
    energy_range: isString,
    emissions: isString,
    emissions_range: isString,
    equivalent: isString,
    known: isString,
    zone: isString,
    place: isString,
    session: isString,
    running: isString
  }),
  panel: orNull(isString),
  bokeh: orNull(isString)
});

const isCell = shape<ICell>({
  ...CELL_FIELDS,
  type: literal('cell'),
  v: isVersion,
  session: isString
});

const isCells = shape<ICells>({
  type: literal('cells'),
  v: isVersion,
  session: isString,
  cells: listOf(shape<ICellFigures>(CELL_FIELDS))
});

const isBokehJs = shape<IBokehJs>({
  type: literal('bokehjs'),
  v: isVersion,
  version: isString,
  encoding: literal('deflate')
});

const isChoices = shape<IChoices>({
  type: literal('choices'),
  v: isVersion,
  zones: listOf(pairOf(isString, isString)),
  formats: listOf(pairOf(isString, isString))
});

const isDoctor = shape<IDoctor>({
  type: literal('doctor'),
  v: isVersion,
  lines: listOf(isString)
});

const isSaid = shape<ISaid>({
  type: literal('said'),
  v: isVersion,
  ok: isBoolean,
  text: isString
});

const isBye = shape<IBye>({ type: literal('bye'), v: isVersion });

const MESSAGES: readonly Guard<Message>[] = [
  isState,
  isCell,
  isCells,
  isBokehJs,
  isChoices,
  isDoctor,
  isSaid,
  isBye
];

/**
 * What came on our comm: a message, `'version'` where it speaks another version of the protocol, or
 * null where it is to be ignored (a type this page does not use or know, or a broken message).
 */
export function parse(data: unknown): Message | 'version' | null {
  if (!isObject(data) || !isNumber(data['v']) || !isString(data['type'])) {
    return null;
  }
  if (data['v'] !== VERSION) {
    return 'version';
  }
  for (const guard of MESSAGES) {
    if (guard(data)) {
      return data;
    }
  }
  return null;
}

const isSavedCell = shape<Omit<ICell, 'session'>>({
  ...CELL_FIELDS,
  type: literal('cell'),
  v: isVersion
});

/** The figures in a saved cell's metadata, null where there are none of this version. */
export function parseSavedCell(metadata: unknown): ICellFigures | null {
  return isSavedCell(metadata) ? metadata : null;
}

const isCard = shape<{ readonly text: ICardText }>({
  text: shape<ICardText>({
    name: isString,
    duration: isString,
    energy: isString,
    energy_range: isString,
    emissions: isString,
    emissions_range: isString,
    quiet: isString,
    devices: listOf(
      shape({ name: isString, energy: isString, range: isString, power: isString, how: isString })
    ),
    rest: listOf(isString),
    notices: listOf(isString)
  })
});

/** The text of a saved card, null where an older or a newer nbcarbon wrote it. */
export function parseCard(data: unknown): ICardText | null {
  return isCard(data) ? data.text : null;
}

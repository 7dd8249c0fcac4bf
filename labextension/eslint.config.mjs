import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/** From the bottom to the top: a module may import those of lower rows, and none beside it. */
const LAYERS = [
  ['protocol', 'dom', 'leafIcon'],
  ['format', 'sparkline', 'goToCell', 'card'],
  ['options', 'widgetSlot', 'summary'],
  ['kernelFeed'],
  ['model'],
  ['current', 'bokeh', 'cellMetadata', 'zoneDialog', 'answers'],
  ['statusItem', 'cellBadge', 'panel', 'commands', 'mime'],
  ['index']
];

const MARKUP = 'Text goes in as text: see dom.ts.';
const MARKUP_NAMES = ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'setHTMLUnsafe', 'srcdoc'];

const TOP = LAYERS.length - 1;
const layerRules = LAYERS.slice(0, TOP).flatMap((modules, row) =>
  modules.map(module => {
    const forbidden = LAYERS.slice(row)
      .flat()
      .filter(other => other !== module);
    return {
      files: [`src/${module}.ts`],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              {
                group: forbidden.map(other => `./${other}`),
                message: 'Imports go down the layers of eslint.config.mjs.'
              }
            ]
          }
        ]
      }
    };
  })
);

export default tseslint.config(
  { ignores: ['lib/', 'node_modules/', 'coverage/', '**/*.cjs'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname }
    },
    rules: {
      '@typescript-eslint/explicit-function-return-type': [
        'error',
        { allowExpressions: true, allowTypedFunctionExpressions: true }
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Lumino's signals take a method and its `this` as two arguments.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true }
      ]
    }
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      // What comes in passes a guard; it is never declared to be what one hopes for.
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      'no-restricted-syntax': [
        'error',
        ...MARKUP_NAMES.map(name => ({
          selector: `MemberExpression[property.name='${name}']`,
          message: MARKUP
        })),
        { selector: "CallExpression[callee.property.name='write']", message: MARKUP }
      ]
    }
  },
  ...layerRules
);

/** Sources are TypeScript modules; JupyterLab's packages that tests run are CommonJS already. */
module.exports = {
  testEnvironment: 'jsdom',
  setupFiles: ['<rootDir>/test/setup.cjs'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: {
    '\\.ts$': [
      'ts-jest',
      { tsconfig: { module: 'commonjs', moduleResolution: 'node10', verbatimModuleSyntax: false } }
    ]
  }
};

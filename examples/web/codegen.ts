import type { CodegenConfig } from '@graphql-codegen/cli';

/** Types for the operations that stand in the components; `src/gql` is not committed. */
const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: ['src/**/*.{ts,tsx}', '!src/gql/**'],
  generates: {
    './src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        scalars: {
          Cents: 'number',
          Cursor: 'string',
          DateTime: 'string',
          ID: 'string',
          JSON: 'unknown',
          Long: 'string',
        },
        strictScalars: true,
        enumsAsTypes: true,
        useTypeImports: true,
      },
    },
  },
};

export default config;

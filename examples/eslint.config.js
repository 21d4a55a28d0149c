// The recommended and the Relay rules of graphql-eslint for `schema.graphql`, and the recommended
// ones for the operations. Each exception has its reason.

import graphql from '@graphql-eslint/eslint-plugin';

const here = import.meta.dirname;
const { configs, parser } = graphql;

const common = {
  plugins: { '@graphql-eslint': graphql },
  languageOptions: {
    parser,
    parserOptions: {
      graphQLConfig: {
        schema: `${here}/../schema.graphql`,
        documents: `${here}/operations/*.graphql`,
      },
    },
  },
};

export default [
  {
    ...common,
    files: ['schema.graphql'],
    rules: {
      ...configs['flat/schema-recommended'].rules,
      ...configs['flat/schema-relay'].rules,
      // The schema's printer decides: one line stands in quotes, more of them in a block.
      '@graphql-eslint/description-style': 'off',
      // The server exports what can be reached, and ErrorCode, which `extensions.code` takes.
      '@graphql-eslint/no-unreachable-types': 'off',
      // Lists run one way.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
      '@graphql-eslint/relay-edge-types': [
        'error',
        {
          withEdgeSuffix: true,
          // An event has a cursor in place of an id.
          shouldImplementNode: false,
          // `nodes` stands beside `edges`, and a list that is short by nature has no pages.
          listTypeCanWrapOnlyEdgeType: false,
        },
      ],
      // What has an id is a Node, which asks for it; the rest are values, answers and pages.
      '@graphql-eslint/strict-id-in-types': 'off',
    },
  },
  {
    ...common,
    files: ['examples/operations/*.graphql'],
    rules: configs['flat/operations-recommended'].rules,
  },
];

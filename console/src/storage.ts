// Where GraphiQL keeps what is written into it. Variables and headers may hold passwords and tokens,
// so that ends with the browser tab; how the page looks does not.
const LASTING = ["graphiql:theme"];

function storeOf(key: string): Storage {
  return LASTING.includes(key) ? localStorage : sessionStorage;
}

export const storage = {
  get length() {
    return sessionStorage.length;
  },
  getItem: (key: string) => storeOf(key).getItem(key),
  setItem: (key: string, value: string) => storeOf(key).setItem(key, value),
  removeItem: (key: string) => storeOf(key).removeItem(key),
  clear: () => sessionStorage.clear(),
};

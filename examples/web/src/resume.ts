// A subscription that survives its connection.
//
// graphql-ws and graphql-sse come back by themselves after a lost connection, and then send the
// very same request again: an `after` in it that stands still repeats what was seen, and without
// one what happened meanwhile is missed. Here `after` moves forward with every item, so that the
// next connection goes on exactly behind the last item that was had.

/** The part of a request that moves. */
interface Request {
  query: string;
  variables?: Record<string, unknown> | null | undefined;
}

/** Where the items go, as both libraries have it. */
interface Sink<Item> {
  next(item: Item): void;
  error(error: unknown): void;
  complete(): void;
}

/**
 * Arguments for the `subscribe` of either library: `client.subscribe(...resumable(request, sink))`.
 *
 * The document declares `$after: Cursor`, gives it to its field and selects that field's `cursor`.
 * Begin with the `cursor` of a query or mutation, and nothing is missed from the first moment on.
 */
export function resumable<Item extends { data?: unknown }, R extends Request>(
  request: R,
  sink: Sink<Item>,
): [R, Sink<Item>] {
  const variables = { ...request.variables };
  const moving: Sink<Item> = {
    next(item) {
      variables.after = cursorOf(item.data) ?? variables.after;
      sink.next(item);
    },
    error: (error) => sink.error(error),
    complete: () => sink.complete(),
  };
  return [{ ...request, variables }, moving];
}

/** A subscription has one root field; its item says where it stands. */
function cursorOf(data: unknown): unknown {
  const [item] = Object.values(data ?? {});
  return item?.cursor;
}

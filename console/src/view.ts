// What the result pane shows of a subscription: newest first, so that what happens is in sight.
import type { Result } from "./http";

/** The oldest make room. */
const MOST = 100;
/** Items that come together are shown together. */
const PAUSE = 50;

export class View {
  private received = 0;
  private errors: Result["errors"];
  private readonly latest: unknown[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;

  constructor(private readonly display: (shown: unknown) => void) {}

  add(item: Result): void {
    this.received += 1;
    this.latest.unshift(item.errors ? item : item.data);
    this.latest.splice(MOST);
    this.timer ??= setTimeout(() => this.show(), PAUSE);
  }

  fail(errors: Result["errors"]): void {
    this.errors = errors;
  }

  show(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { errors, received, latest } = this;
    if (this.isClosed || (!errors && received === 0)) return;
    this.display({ ...(errors && { errors }), received, newestFirst: latest });
  }

  /** Shows nothing more. */
  close(): void {
    clearTimeout(this.timer);
    this.isClosed = true;
  }
}

const BAD = ['FAILED', 'CANCELED'];
const IDLE = ['DELETED', 'PENDING', 'SKIPPED', 'STOPPED'];

/** A status in its colour: the one that is wanted is good, and what is on its way pulses. */
export function Status({ of: status, wanted }: { of: string; wanted: string }) {
  return <span className={`badge ${tone(status, wanted)}`}>{status.toLowerCase()}</span>;
}

function tone(status: string, wanted: string): string {
  if (status === wanted) return 'good';
  if (BAD.includes(status)) return 'bad';
  return IDLE.includes(status) ? 'idle' : 'waiting';
}

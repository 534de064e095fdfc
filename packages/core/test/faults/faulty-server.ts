import { createHash } from 'node:crypto';
import type { WireSession } from '../../src/wire.js';
import { type Fault, type HostedServer, type SeenRequest, startHostedServer } from '../hosted-server.js';
import type { Clock } from './clock.js';
import type { Schedule, ServerFaultKind } from './schedule.js';

export const API_KEY = 'osk_fault_harness_key';

/** Faults that are due: at which request of the round, counted with health checks, and for how many. */
interface DueFault {
  kind: ServerFaultKind;
  from: number;
  count: number;
}

export interface FaultyServer {
  hosted: HostedServer;
  /** What happens to the requests from now on. */
  begin(round: RoundOfServer): void;
  close(): Promise<void>;
}

interface RoundOfServer {
  faults: DueFault[];
  /** Called with the number of each request of the round when it has arrived; may kill its sender. */
  onArrival: (number: number, agent: string) => 'taken' | 'dropped' | undefined;
  onInjected: (kind: string, place: string) => void;
}

const QUIET: RoundOfServer = { faults: [], onArrival: () => undefined, onInjected: () => undefined };

export async function startFaultyServer(server: Schedule['server'], clock: Clock): Promise<FaultyServer> {
  const hosted = await startHostedServer({
    now: () => clock.now + server.skewMs,
    users: { [API_KEY]: 'user' },
    ...(server.capabilities && { capabilities: server.capabilities }),
    ...(server.poison && { isPoison }),
  });
  let round = QUIET;
  let number = 0;
  const faultAt = (path: string, agent: string): Fault | undefined => {
    const arrival = round.onArrival(number, agent);
    if (arrival === 'dropped') return { when: 'before', answer: 'reset' };
    const due = round.faults.find(({ from, count }) => number >= from && number < from + count);
    const fault = due && faultOf(due.kind, path, clock);
    if (due !== undefined && fault !== undefined) round.onInjected(due.kind, path);
    return fault;
  };
  hosted.fault = ({ path, agent }: SeenRequest) => faultAt(path, agent);
  hosted.healthFault = () => faultAt('/health', '');
  hosted.hangUp = (path) => {
    number++;
    const due = round.faults.some(
      ({ kind, from, count }) => kind === 'reset before the body' && number >= from && number < from + count,
    );
    if (due) round.onInjected('reset before the body', path);
    return due;
  };
  return {
    hosted,
    begin(next) {
      number = 0;
      round = next;
    },
    close: () => hosted.close(),
  };
}

/** Another user has the same sessions, their messages by the ids that the tool itself gives them. */
export function addStranger({ hosted: { store } }: FaultyServer, sessions: Iterable<WireSession>): void {
  for (const { session, messages } of sessions) {
    const { externalId: sessionExternalId, source } = session;
    store.saveSession('stranger', { externalId: sessionExternalId, title: 'Theirs' });
    for (const { externalId } of messages) {
      const ownId = externalId.slice(`${source}:${sessionExternalId}:`.length);
      const parts = [{ type: 'text', content: 'theirs' }];
      if (isPoison({ externalId: ownId })) continue;
      store.saveMessage('stranger', { sessionExternalId, externalId: ownId, role: 'user', parts });
    }
  }
}

/** One message in twelve, the same ones each time. */
function isPoison({ externalId }: Record<string, unknown>): boolean {
  return (createHash('sha256').update(String(externalId)).digest()[0] ?? 0) % 12 === 0;
}

const TEXT = '{"error":"Error: Something passed by while {\\"text\\":\\"of the user\\"} was stored"}';
const BUSY = '{"code":"Overloaded","message":"Too many concurrent requests"}';
const PAGE = '<html>Sign in to the network</html>';
const LIE = '{"ok":true,"sessions":0,"messages":0,"errors":["Error: Something passed by"]}';

function faultOf(kind: ServerFaultKind, path: string, clock: Clock): Fault | undefined {
  switch (kind) {
    // Has happened already, or to no request at all.
    case 'reset before the body':
      return undefined;
    case 'reset after the body':
      return { when: 'before', answer: 'reset' };
    case 'reset after it was taken':
      return { when: 'after', answer: 'reset' };
    case 'answer cut, taken':
      return { when: 'after', answer: 'cut' };
    case 'timeout':
      return { when: 'before', answer: 'hang' };
    case 'timeout, taken':
      return { when: 'after', answer: 'hang' };
    case '429':
      return { when: 'before', answer: { status: 429, body: BUSY } };
    case '429 with Retry-After':
      return { when: 'before', answer: { status: 429, body: BUSY, headers: { 'retry-after': '11' } } };
    case '500 with text':
      return { when: 'before', answer: { status: 500, body: TEXT } };
    case '500 with text, taken':
      return { when: 'after', answer: { status: 500, body: TEXT } };
    case '503':
      return { when: 'before', answer: { status: 503, body: BUSY } };
    case '503, taken':
      return { when: 'after', answer: { status: 503, body: BUSY } };
    case '200 with garbage':
      return { when: 'before', answer: { status: 200, body: PAGE } };
    case '200 with garbage, taken':
      return { when: 'after', answer: { status: 200, body: PAGE } };
    case 'batch in part':
      return path === '/sync/batch' ? { when: 'part', answer: 'true' } : undefined;
    case 'batch that lies':
      return path === '/sync/batch' ? { when: 'before', answer: { status: 200, body: LIE } } : undefined;
    case 'slow':
      return { when: 'after', answer: 'true', delayMs: 30 };
    case 'slow by the clock':
      clock.pass(4_000);
      return { when: 'after', answer: 'true' };
    case 'slow answer by the clock':
      return { when: 'after', answer: 'true', meanwhile: () => clock.pass(4_000) };
  }
}

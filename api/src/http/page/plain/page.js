
const at = (id) => document.getElementById(id);
const [token, query, variables, result, state, run, stop] =
  ["token", "query", "variables", "result", "state", "run", "stop"].map(at);
let socket;

query.value = `# Ctrl+Enter runs it. A subscription goes on until it is stopped.
{
  __schema {
    queryType { fields { name description } }
  }
}
`;

function authorization() {
  const bare = token.value.trim().replace(/^bearer\s+/i, "");
  return bare ? `Bearer ${bare}` : undefined;
}

// Newest first, so that what happens is in sight; the oldest make room.
function add(value) {
  const entry = document.createElement("div");
  entry.textContent = `${new Date().toLocaleTimeString()}\n${JSON.stringify(value, null, 2)}\n\n`;
  result.prepend(entry);
  while (result.childNodes.length > 200) result.lastChild.remove();
}

function isSubscription(source) {
  const bare = source.replace(/"""[^]*?"""|"(\\.|[^"\\\n])*"|#.*/g, "");
  return /(^|\})\s*subscription\b/.test(bare);
}

async function ask(request) {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
  if (authorization()) headers.authorization = authorization();
  const start = performance.now();
  const response = await fetch("/graphql", { method: "POST", headers, body: JSON.stringify(request) });
  result.textContent = JSON.stringify(await response.json(), null, 2);
  state.textContent = `${response.status} in ${Math.round(performance.now() - start)} ms`;
}

function follow(request) {
  const address = new URL("/graphql", location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const opened = new WebSocket(address, "graphql-transport-ws");
  const say = (message) => opened.send(JSON.stringify(message));
  socket = opened;
  stop.hidden = false;
  opened.onopen = () => say({ type: "connection_init", payload: { authorization: authorization() } });
  opened.onmessage = ({ data }) => {
    const { type, payload } = JSON.parse(data);
    if (type === "ping") say({ type: "pong" });
    if (type === "connection_ack") {
      state.textContent = "live";
      say({ id: "1", type: "subscribe", payload: request });
    }
    if (type === "next") add(payload);
    if (type === "error") add({ errors: payload });
    if (type === "error" || type === "complete") opened.close(1000);
  };
  opened.onclose = ({ code, reason }) => {
    if (socket !== opened) return;
    state.textContent = code === 1000 ? "ended" : `closed with ${code} ${reason}`;
    stop.hidden = true;
  };
}

async function start() {
  halt();
  result.textContent = state.textContent = "";
  try {
    const request = { query: query.value, variables: JSON.parse(variables.value.trim() || "{}") };
    if (isSubscription(query.value)) follow(request);
    else await ask(request);
  } catch (error) {
    state.textContent = error.message;
  }
}

function halt() {
  const closing = socket;
  socket = undefined;
  closing?.close(1000);
  if (closing) state.textContent = "stopped";
  stop.hidden = true;
}

run.onclick = start;
stop.onclick = halt;
document.onkeydown = (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) start();
};

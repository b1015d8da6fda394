// GraphiQL on one app's GraphQL endpoint. What it needs to know stands in the element's data attributes.
"use strict";

const place = document.getElementById("graphiql");
const { endpoint, organization, query } = place.dataset;
const organizationHeader = organization ? { "X-Organization-Id": organization } : {};

async function overHttp(request, headers) {
  const answer = await fetch(endpoint, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", ...organizationHeader, ...headers },
    body: JSON.stringify(request),
  });
  return answer.json();
}

// The protocol `graphql-transport-ws`, as far as one subscription on a connection of its own needs it.
async function* overWebSocket(request, headers) {
  const url = new URL(endpoint, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, "graphql-transport-ws");
  const waiting = [];
  let wake = () => {};
  const put = (item) => { waiting.push(item); wake(); };
  socket.onopen = () =>
    socket.send(JSON.stringify({ type: "connection_init", payload: { headers: { ...organizationHeader, ...headers } } }));
  socket.onclose = (event) => put({ end: true, reason: event.code === 1000 ? null : event.reason || `closed (${event.code})` });
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "connection_ack") socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: request }));
    else if (message.type === "ping") socket.send(JSON.stringify({ type: "pong" }));
    else if (message.type === "next") put({ value: message.payload });
    else if (message.type === "error") put({ value: { errors: message.payload } });
    else if (message.type === "complete") socket.close(1000);
  };
  try {
    for (;;) {
      while (waiting.length === 0) await new Promise((resolve) => { wake = resolve; });
      const item = waiting.shift();
      if (item.end) {
        if (item.reason) yield { errors: [{ message: item.reason }] };
        return;
      }
      yield item.value;
    }
  } finally {
    socket.close(1000);
  }
}

function isSubscription(request, document) {
  const operations = (document?.definitions ?? []).filter((definition) => definition.kind === "OperationDefinition");
  const chosen = request.operationName
    ? operations.find((operation) => operation.name?.value === request.operationName)
    : operations[0];
  return chosen?.operation === "subscription";
}

function fetcher(request, options) {
  const headers = options?.headers ?? {};
  return isSubscription(request, options?.documentAST) ? overWebSocket(request, headers) : overHttp(request, headers);
}

ReactDOM.createRoot(place).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery: query, shouldPersistHeaders: false }),
);

// The official TypeScript client of the Model Context Protocol against a server on standard input and output.
//
//   node client.mjs COMMAND [ARG...] < plan.json
//
// The plan: {"mode"?: "auto", "calls": [{name, args}], "together": {long: {name, args}, short: {name, args}},
// "cancel": {name, args}, "read": [uri]}. Each thing that comes of it is one JSON line with a `kind`.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const TIMEOUT_MS = 60_000;

const say = (kind, value) => process.stdout.write(JSON.stringify({ kind, ...value }) + "\n");
let input = "";
for await (const part of process.stdin) input += part;
const plan = JSON.parse(input);
const [command, ...args] = process.argv.slice(2);

const transport = new StdioClientTransport({ command, args, env: process.env, stderr: "inherit" });
const client = new Client(
  { name: "cc-connect-tests", version: "0" },
  plan.mode ? { versionNegotiation: { mode: plan.mode } } : {},
);
await client.connect(transport, { timeout: TIMEOUT_MS });
say("server", { info: client.getServerVersion(), instructions: client.getInstructions() });

const call = async ({ name, args }, options) => {
  try {
    const result = await client.callTool({ name, arguments: args }, { timeout: TIMEOUT_MS, ...options });
    return { name, isError: result.isError ?? false, content: result.content };
  } catch (error) {
    return { name, thrown: { code: error.code, message: error.message } };
  }
};

const { tools } = await client.listTools();
for (const tool of tools) say("tool", { tool });
say("resources", await client.listResources());
say("templates", await client.listResourceTemplates());
for (const uri of plan.read) say("read", await client.readResource({ uri }));
for (const one of plan.calls) say("call", await call(one));

const order = [];
// The newest revision of the protocol has no ping.
const alive = () => (plan.mode ? client.listTools() : client.ping({ timeout: TIMEOUT_MS }));
const one = (which) =>
  call(plan.together[which]).then((answer) => {
    order.push(which);
    return answer;
  });
const [long, short] = await Promise.all([one("long"), one("short")]);
say("together", { order, long, short });

const abort = new AbortController();
const cancelled = call(plan.cancel, { signal: abort.signal });
await alive();
abort.abort("the test cancels");
say("cancelled", await cancelled);
await alive();
say("alive", {});
const closing = performance.now();
await client.close();
say("closed", { ms: Math.round(performance.now() - closing) });

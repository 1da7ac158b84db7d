// Svix's own SDK for JavaScript, unmodified: `node svix_client.cjs URL KEY PORT`. Prints one JSON line of what it saw.
const http = require("http");
const { Svix, Webhook } = require("svix");

const [url, key, port] = process.argv.slice(2);
const svix = new Svix(key, { serverUrl: url });
const seen = [];

async function refused(call) {
  try {
    await call();
  } catch (error) {
    return [error.code, error.body && error.body.code];
  }
  return null;
}

function listen() {
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      seen.push({ body: Buffer.concat(parts).toString(), headers: request.headers });
      response.writeHead(200).end();
    });
  });
  return new Promise((resolve) => server.listen(Number(port), "127.0.0.1", () => resolve(server)));
}

async function until(done) {
  for (let tries = 0; tries < 400; tries += 1) {
    const found = await done();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("waited for too long");
}

async function main() {
  const server = await listen();
  const told = {};
  const app = await svix.application.create({ name: "Shop", uid: "js", metadata: { plan: "gold" } });
  told.sameApplication = (await svix.application.getOrCreate({ name: "Shop", uid: "js" })).id === app.id;
  told.taken = await refused(() => svix.application.create({ name: "Shop", uid: "js" }));
  told.patched = (await svix.application.patch("js", { name: "Kiosk" })).metadata;
  await svix.eventType.create({ name: "js.paid", description: "Paid.", schemas: { 1: { type: "object" } } });
  told.eventType = (await svix.eventType.get("js.paid")).schemas;
  const endpoint = await svix.endpoint.create("js", {
    url: `http://127.0.0.1:${port}/hook`,
    uid: "e",
    channels: ["red"],
    eventTypes: ["js.paid"],
  });
  await svix.endpoint.patchHeaders("js", "e", { headers: { "x-key": "a-secret-value" } });
  told.headers = (await svix.endpoint.getHeaders("js", "e")).sensitive;
  const { key: secret } = await svix.endpoint.getSecret("js", "e");
  const posted = { eventType: "js.paid", eventId: "ev-1", payload: { total: 2.5 }, channels: ["red"] };
  const message = await svix.message.create("js", posted, { idempotencyKey: "k-1" });
  told.again = (await svix.message.create("js", posted, { idempotencyKey: "k-1" })).id === message.id;
  told.otherBody = (await refused(() => svix.message.create("js", { ...posted, payload: {} }, { idempotencyKey: "k-1" })))[0];
  const [request] = await until(() => seen.length && seen);
  new Webhook(secret).verify(request.body, request.headers); // throws what it does not accept
  told.body = JSON.parse(request.body);
  try {
    new Webhook(secret).verify(request.body.replace("2.5", "9.5"), request.headers);
    told.forged = true;
  } catch {
    told.forged = false;
  }
  const attempts = await until(async () => {
    const { data } = await svix.messageAttempt.listByEndpoint("js", "e");
    return data.length && data;
  });
  told.attempt = [attempts[0].msgId === message.id, attempts[0].statusText, attempts[0].responseStatusCode];
  const second = await svix.message.create("js", { eventType: "js.lost", payload: {} });
  const first = await svix.message.list("js", { limit: 1 });
  const rest = await svix.message.list("js", { limit: 1, iterator: first.iterator });
  const back = await svix.message.list("js", { limit: 1, iterator: rest.prevIterator });
  told.pages = [first, rest, back].map((page) => [page.data[0].id === second.id, page.done]);
  told.destinations = (await svix.messageAttempt.listAttemptedDestinations("js", message.id)).data.map((it) => it.id === endpoint.id);
  told.rotated = (await svix.endpoint.rotateSecret("js", "e", {})) !== null;
  told.active = (await svix.message.precheck("js", { eventType: "js.paid", channels: ["blue"] })).active;
  const deliverAt = new Date(Date.now() + 7_200_000);
  const later = await svix.message.create("js", { eventType: "js.lost", payload: {}, tags: ["x"], deliverAt });
  told.later = [later.deliverAt.getTime() === deliverAt.getTime(), (await svix.message.list("js", { tag: "x" })).data.length];
  const webhooks = { "js.new": { post: { description: "Imported." } } };
  told.imported = (await svix.eventType.importOpenapi({ specRaw: JSON.stringify({ webhooks }) })).data.modified;
  const since = new Date(Date.now() - 3_600_000);
  const { id: task } = await svix.statistics.aggregateAppStats({ since, until: new Date(), appIds: ["js"] });
  const counted = await until(async () => {
    const found = await svix.backgroundTask.get(task);
    return found.status === "finished" && found.data.appStats;
  });
  told.counted = counted.map((it) => it.messageDestinations);
  told.missing = await refused(() => svix.endpoint.get("js", "none"));
  told.invalid = (await refused(() => svix.endpoint.create("js", { url: "nonsense" })))[0];
  await svix.application.delete("js");
  told.gone = (await refused(() => svix.application.get("js")))[0];
  server.close();
  console.log(JSON.stringify(told));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

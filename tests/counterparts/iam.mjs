// How AWS evaluates policies, by iam-simulate (AGPL: a process of its own, in tests alone): `node iam.mjs <port>`; a simulation is posted, its result comes back.
import { createServer } from "node:http";
import { runSimulation } from "@cloud-copilot/iam-simulate";

const [port] = process.argv.slice(2);

createServer(async (request, answer) => {
  const simulation = JSON.parse(Buffer.concat(await request.toArray()).toString());
  answer.end(JSON.stringify(await runSimulation(simulation, {})));
}).listen(Number(port), "127.0.0.1");

// Makes calls with the vendor's client, in order: {client, track, app, calls: [[side, method, ...arguments]]} on standard
// input, [{answer} or {error, status}] on standard output.
const { readFileSync } = require('node:fs');

const given = JSON.parse(readFileSync(0, 'utf-8'));
const { TrackClient, APIClient } = require(given.client);
const sides = { track: new TrackClient(...given.track), app: new APIClient(...given.app) };

async function made([side, method, ...args]) {
  try {
    return { answer: await sides[side][method](...args) };
  } catch (error) {
    return { error: error.message, status: error.statusCode };
  }
}

(async () => {
  const answers = [];
  for (const call of given.calls) {
    answers.push(await made(call));
  }
  console.log(JSON.stringify(answers));
})();

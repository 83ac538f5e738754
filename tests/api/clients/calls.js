// Makes calls with the vendor's client, in order: {client, track, app, calls: [[side, method, ...arguments]]} on standard
// input, [{answer} or {error, status}] on standard output.
const { readFileSync } = require('node:fs');

const given = JSON.parse(readFileSync(0, 'utf-8'));
const { TrackClient, APIClient, SendEmailRequest } = require(given.client);
const sides = { track: new TrackClient(...given.track), app: new APIClient(...given.app) };

// The options of an email, its files as text, and keys of the body that the client has no option for.
function email(options, files = {}, extra = {}) {
  const request = new SendEmailRequest(options);
  for (const [name, content] of Object.entries(files)) {
    request.attach(name, content);
  }
  Object.assign(request.message, extra);
  return request;
}

async function made([side, method, ...args]) {
  try {
    if (method === 'sendEmail') {
      return { answer: await sides.app.sendEmail(email(...args)) };
    }
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

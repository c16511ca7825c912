/** A list that is walked to its end twice. */

import { connect, walk } from "prisoner-exchanges";

const client = connect(process.argv[2] ?? "");
for (let made = 0; made < 2; made++) {
  let walked = 0;
  for await (const _ of walk(client, "/v1/exchanges", { query: { limit: 100 } })) walked++;
  console.log(walked);
}

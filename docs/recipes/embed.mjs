// Features and embedding of image files, from the graph that `ordo export RUN --onnx FILE` writes.
//
//     npm install onnxruntime-node sharp
//     node embed.mjs photos.onnx a.jpg b.jpg      # a JSON object a line
//
// The graph takes decoded pixels of any size and does all else.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.cwd(), 'here')); // packages of the folder where it is started
const ort = require('onnxruntime-node');
const sharp = require('sharp');

const [graph, ...files] = process.argv.slice(2);
const net = await ort.InferenceSession.create(graph);
for (const file of files) {
  const image = sharp(file).rotate().flatten({ background: '#fff' }).toColourspace('srgb'); // turned as EXIF says
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const pixels = new ort.Tensor('uint8', data, [1, info.height, info.width, 3]);
  const rows = await net.run({ pixels });
  const row = Object.fromEntries(net.outputNames.map((name) => [name, Array.from(rows[name].data)]));
  console.log(JSON.stringify({ file, ...row }));
}

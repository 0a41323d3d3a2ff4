/**
 * What sharp needs by itself for a thumbnail: reads each of the given pictures, one after the other, and prints the
 * milliseconds of each as a JSON array.
 *
 *     node bench/thumb-alone.ts picture-1.jpg picture-2.jpg …
 */
import process from 'node:process';
import sharp from 'sharp';

// As any service that takes strangers' pictures would: nothing kept between them, warnings are failures, upright.
sharp.cache(false);

const milliseconds: number[] = [];
for (const file of process.argv.slice(2)) {
  const startMs = performance.now();
  await sharp(file, { failOn: 'warning' })
    .autoOrient()
    .resize({ width: 320, height: 320, fit: 'inside', withoutEnlargement: true })
    .keepIccProfile()
    .webp()
    .toBuffer();
  milliseconds.push(performance.now() - startMs);
}
process.stdout.write(JSON.stringify(milliseconds) + '\n');

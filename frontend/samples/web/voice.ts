/** Records a voice note: the first press begins, the second ends. */
import type { OutgoingFile } from "@switchboard/sdk";

let recorder: MediaRecorder | null = null;

/** Tells whether it is recording now. */
export async function press(done: (note: OutgoingFile) => void): Promise<boolean> {
  if (recorder) {
    recorder.stop();
    recorder = null;
    return false;
  }
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const begun = Date.now();
  const chunks: Blob[] = [];
  recorder = new MediaRecorder(stream);
  recorder.ondataavailable = ({ data }) => chunks.push(data);
  recorder.onstop = () => {
    for (const track of stream.getTracks()) track.stop();
    const mime = (chunks[0]?.type ?? "audio/webm").replace(/;.*/, "");
    const content = new Blob(chunks, { type: mime });
    const preview = URL.createObjectURL(content);
    const duration = (Date.now() - begun) / 1000;
    done({
      name: `voice.${mime.split("/")[1] ?? "webm"}`,
      mime,
      content,
      size: content.size,
      duration,
      preview,
    });
  };
  recorder.start();
  return true;
}

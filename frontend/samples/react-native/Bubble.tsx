import type { Entry, Part } from "@switchboard/sdk";
import { Image, Linking, Pressable, StyleSheet, Text, View } from "react-native";
import { chat } from "./useChat";

const STATES = {
  uploading: "Uploading…",
  waiting: "Sending…",
  sent: "Sent",
  filed: "Delivered",
  read: "Read",
  failed: "Failed. Tap to try again.",
};

export function Bubble({ entry }: { entry: Entry }) {
  const failed = entry.delivery === "failed";
  return (
    <View style={entry.mine ? styles.mine : styles.theirs}>
      {entry.author ? <Text style={styles.small}>{entry.author}</Text> : null}
      <View style={[styles.bubble, entry.mine && styles.blue]}>
        {entry.recalled ? (
          <Text>Recalled</Text>
        ) : (
          entry.parts.map((part, nr) => <Drawn key={nr} part={part} />)
        )}
      </View>
      {entry.delivery ? (
        <Pressable disabled={!failed} onPress={() => chat.retry(entry.key)}>
          <Text style={styles.small}>{entry.outgoing?.error?.message || STATES[entry.delivery]}</Text>
        </Pressable>
      ) : null}
    </View>
  );
}

function Drawn({ part }: { part: Part }) {
  if (part.type === "text") return <Text>{part.text}</Text>;
  if (part.type === "choice") return <Text>{part.title}</Text>;
  if (part.type === "choices")
    return (
      <View>
        <Text>{part.text}</Text>
        {part.buttons.map(({ id, title }) => (
          <Pressable key={id} onPress={() => chat.choose(id, title)}>
            <Text style={styles.link}>{title}</Text>
          </Pressable>
        ))}
      </View>
    );
  if (!("file" in part) || !part.file?.url) return <Text>[{part.type}]</Text>;
  const uri = chat.address(part.file.url);
  if (part.type === "image" || part.type === "sticker")
    return <Image source={{ uri }} style={styles.image} accessibilityLabel={part.file.name} />;
  return (
    <Pressable onPress={() => void Linking.openURL(uri)}>
      <Text style={styles.link}>{part.file.name}</Text>
    </Pressable>
  );
}

const styles = StyleSheet.create({
  mine: { alignItems: "flex-end", marginVertical: 4 },
  theirs: { alignItems: "flex-start", marginVertical: 4 },
  bubble: { maxWidth: "80%", padding: 10, borderRadius: 8, backgroundColor: "#f2f3f5" },
  blue: { backgroundColor: "#d6e8ff" },
  small: { fontSize: 11, color: "#667788" },
  link: { color: "#1677ff", paddingVertical: 4 },
  image: { width: 200, height: 150, borderRadius: 4 },
});

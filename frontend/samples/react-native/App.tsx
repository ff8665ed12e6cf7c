/** One screen: what was said, and where to write. Pictures come from the phone's library, voice from a recorder of your choice. */
import { useState } from "react";
import { Button, FlatList, SafeAreaView, StyleSheet, Text, TextInput, View } from "react-native";
import { launchImageLibrary } from "react-native-image-picker";
import { Bubble } from "./Bubble";
import { chat, useChat } from "./useChat";

export default function App() {
  const { timeline, typing, phase } = useChat();
  const [text, setText] = useState("");

  function send() {
    if (text.trim()) chat.sendText(text.trim());
    setText("");
  }

  return (
    <SafeAreaView style={styles.page}>
      {phase === "waiting" ? <Text style={styles.line}>No line. It comes back by itself.</Text> : null}
      <FlatList
        inverted
        data={[...timeline].reverse()}
        keyExtractor={(entry) => entry.key}
        renderItem={({ item }) => <Bubble entry={item} />}
        onEndReached={() => void chat.loadOlder()}
        // Newest first: the first is on the screen as long as nobody has scrolled back.
        onViewableItemsChanged={seen}
      />
      {typing ? <Text style={styles.line}>{typing} is typing…</Text> : null}
      <View style={styles.composer}>
        <Button title="📷" onPress={() => void picture()} />
        <TextInput
          style={styles.words}
          value={text}
          placeholder="Message"
          onChangeText={(now) => {
            setText(now);
            chat.typing();
          }}
          onSubmitEditing={send}
        />
        <Button title="Send" onPress={send} />
      </View>
    </SafeAreaView>
  );
}

/** Outside of the component: the list wants the same function for all its life. */
function seen({ viewableItems }: { viewableItems: { index: number | null }[] }): void {
  if (viewableItems.some(({ index }) => index === 0)) chat.markRead();
}

async function picture(): Promise<void> {
  const { assets } = await launchImageLibrary({ mediaType: "photo", selectionLimit: 9 });
  for (const { uri, fileName, type, fileSize } of assets ?? []) {
    if (!uri) continue;
    chat.sendImage({
      name: fileName ?? "picture.jpg",
      mime: type ?? "image/jpeg",
      // React Native reads what is behind the address when it uploads the form.
      content: { uri },
      preview: uri,
      ...(fileSize ? { size: fileSize } : {}),
    });
  }
}

/** For the recorder of your choice, with the address of what it recorded. */
export function sendVoice(uri: string, seconds: number): string {
  return chat.sendVoice({
    name: "voice.m4a",
    mime: "audio/mp4",
    content: { uri },
    duration: seconds,
    preview: uri,
  });
}

const styles = StyleSheet.create({
  page: { flex: 1, backgroundColor: "#ffffff" },
  line: { padding: 6, textAlign: "center", color: "#667788" },
  composer: { flexDirection: "row", alignItems: "center", padding: 8 },
  words: { flex: 1, padding: 8, borderRadius: 8, backgroundColor: "#f2f3f5" },
});

/**
 * As much of the native packages as this sample uses, so that it is checked here without installing all of React Native.
 * In an app they bring types of their own: leave this file out.
 */
declare module "react-native" {
  import type { ComponentType, ReactElement, ReactNode } from "react";

  type Style = object | false | null | undefined | Style[];
  interface Box {
    children?: ReactNode;
    style?: Style;
  }

  export const View: ComponentType<Box>;
  export const SafeAreaView: ComponentType<Box>;
  export const Text: ComponentType<Box>;
  export const Pressable: ComponentType<Box & { onPress?: () => void; disabled?: boolean }>;
  export const Image: ComponentType<{ source: { uri: string }; style?: Style; accessibilityLabel?: string }>;
  export const Button: ComponentType<{ title: string; onPress: () => void }>;
  export const TextInput: ComponentType<{
    value?: string;
    placeholder?: string;
    style?: Style;
    onChangeText?: (text: string) => void;
    onSubmitEditing?: () => void;
  }>;
  export function FlatList<Item>(props: {
    inverted?: boolean;
    data: Item[];
    keyExtractor: (item: Item) => string;
    renderItem: (row: { item: Item }) => ReactElement;
    onEndReached?: () => void;
    onViewableItemsChanged?: (seen: { viewableItems: { index: number | null }[] }) => void;
  }): ReactElement;

  export const StyleSheet: { create<Styles extends Record<string, object>>(styles: Styles): Styles };
  export const Linking: { openURL(url: string): Promise<unknown> };
  export const Platform: { OS: "ios" | "android" };
  export const AppState: {
    addEventListener(name: "change", listener: (state: string) => void): { remove(): void };
  };
}

declare module "@react-native-async-storage/async-storage" {
  const AsyncStorage: {
    getItem(key: string): Promise<string | null>;
    setItem(key: string, value: string): Promise<void>;
    removeItem(key: string): Promise<void>;
  };
  export default AsyncStorage;
}

declare module "react-native-image-picker" {
  export function launchImageLibrary(options: {
    mediaType: "photo";
    selectionLimit?: number;
  }): Promise<{ assets?: { uri?: string; fileName?: string; type?: string; fileSize?: number }[] }>;
}

/** React Native's own. */
declare function fetch(
  url: string,
  asking: { method: "POST" },
): Promise<{ ok: boolean; status: number; text(): Promise<string> }>;

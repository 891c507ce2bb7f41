// What buttons and editors say, in the page's language; without a translation, in English.

import { app } from "../../scripts/app.js";

const WORDS = {
  "Edit trimap": ["编辑三分图", "トライマップを編集"],
  "Mark object": ["标记主体", "対象をマーク"],
  "Pick color": ["选取颜色", "色を選ぶ"],
  "Run the workflow once: the editor shows what the node got.": [
    "请先运行一次工作流：编辑器显示节点收到的内容。",
    "ワークフローを一度実行してください。エディターはノードが受け取ったものを表示します。",
  ],
  "Smaller brush (key [)": ["缩小画笔（键 [）", "ブラシを小さく（キー [）"],
  "Larger brush (key ])": ["放大画笔（键 ]）", "ブラシを大きく（キー ]）"],
  Undo: ["撤销", "元に戻す"],
  Redo: ["重做", "やり直す"],
  Fit: ["适合窗口", "全体表示"],
  "Show the whole picture (key 0)": ["显示整幅图片（键 0）", "画像全体を表示（キー 0）"],
  "The frame before": ["上一帧", "前のフレーム"],
  "The next frame": ["下一帧", "次のフレーム"],
  Save: ["保存", "保存"],
  "Keep the strokes in the workflow (Ctrl+Enter)": [
    "把笔画保存在工作流中 (Ctrl+Enter)", "ストロークをワークフローに保存 (Ctrl+Enter)",
  ],
  Cancel: ["取消", "キャンセル"],
  "Leave the strokes as they were (Escape)": ["笔画保持原样 (Escape)", "ストロークを元のままにする (Escape)"],
  "Loading …": ["正在加载 …", "読み込み中 …"],
  "Solving …": ["正在求解 …", "計算中 …"],
  "Painting …": ["正在绘制 …", "描画中 …"],
  "1 background": ["1 背景", "1 背景"],
  "2 unknown": ["2 未知", "2 未知"],
  "3 foreground": ["3 前景", "3 前景"],
  "4 hair": ["4 毛发", "4 髪"],
  "F fill": ["F 填充", "F 塗りつぶし"],
  "Paint background (key 1)": ["绘制背景（键 1）", "背景を描く（キー 1）"],
  "Paint unknown (key 2)": ["绘制未知区域（键 2）", "未知を描く（キー 2）"],
  "Paint foreground (key 3)": ["绘制前景（键 3）", "前景を描く（キー 3）"],
  "A band of unknown that moves to the edge it passes along (key 4)": [
    "未知带，会移到它经过的边缘上（键 4）", "未知の帯。沿って通ったエッジに移ります（キー 4）",
  ],
  "Fill the connected pixels below the pointer with the value (key F)": [
    "用该值填充指针下相连的像素（键 F）", "ポインターの下のつながった画素をその値で塗ります（キー F）",
  ],
  trimap: ["三分图", "トライマップ"],
  matte: ["抠图", "マット"],
  cutout: ["抠图结果", "切り抜き"],
  picture: ["图片", "画像"],
  "Key V shows the next": ["键 V 显示下一个", "キー V で次を表示"],
  "P points and box": ["P 点和框", "P 点と枠"],
  "Click on the object; right or Alt click beside it; drag a box around it (key P)": [
    "点击主体；右击或 Alt+点击主体以外；拖出一个框（键 P）",
    "対象をクリック、外は右クリックか Alt+クリック、ドラッグで枠（キー P）",
  ],
  "Scribble beside the object (key 1)": ["在主体以外涂鸦（键 1）", "対象の外にスクリブル（キー 1）"],
  "2 erase": ["2 擦除", "2 消す"],
  "Erase scribbles (key 2)": ["擦除涂鸦（键 2）", "スクリブルを消す（キー 2）"],
  "Scribble on the object (key 3)": ["在主体上涂鸦（键 3）", "対象の上にスクリブル（キー 3）"],
  Clear: ["清除", "クリア"],
  "Take all marks of this frame away": ["去掉此帧的所有标记", "このフレームのマークをすべて消します"],
  strokes: ["条笔画", "ストローク"],
  points: ["个点", "点"],
  "a box": ["有框", "枠あり"],
  "no box": ["无框", "枠なし"],
  scribbles: ["条涂鸦", "スクリブル"],
};
const LANGUAGES = ["zh", "ja"];

/** Return the language that the page is set to, such as "zh". */
export function pageLanguage() {
  return app.ui?.settings?.getSettingValue?.("Comfy.Locale") ?? "en";
}

/** Return a text in the language that the page is set to. */
export function translated(text) {
  return WORDS[text]?.[LANGUAGES.indexOf(pageLanguage())] ?? text;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The page's script and style, bundled from web/report and embedded when farewell is built.
#pragma once

#include <string_view>

namespace farewell::page::assets {

[[nodiscard]] std::string_view script();
[[nodiscard]] std::string_view style();
/// The content security policy that lets exactly these two in, by their hashes, and nothing else.
[[nodiscard]] std::string_view policy();

}  // namespace farewell::page::assets

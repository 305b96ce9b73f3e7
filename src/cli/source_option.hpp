// SPDX-License-Identifier: GPL-2.0-or-later
// Addresses and sources on the command line, checked before anybody is asked.
#pragma once

#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace farewell::cli {

/// One whole address.
CLI::Option* add_address(CLI::App& command, std::string& address);
/// What a ban can be for.
CLI::Option* add_source(CLI::App& command, std::string& source);

}  // namespace farewell::cli

// SPDX-License-Identifier: GPL-2.0-or-later
// The catalogue explains every message that has an id, and no other; and it names only fields that there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "service/message_ids.hpp"

namespace farewell::service {
namespace {

/// Text by id, as journalctl reads it: an entry begins with "-- ID".
std::map<std::string, std::string> catalogue() {
    std::ifstream file(FAREWELL_CATALOGUE);
    EXPECT_TRUE(file) << FAREWELL_CATALOGUE;
    std::map<std::string, std::string> entries;
    std::string id;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("-- ")) {
            id = line.substr(3);
            EXPECT_FALSE(entries.contains(id)) << id << " is explained twice";
            entries[id];
        } else if (!line.starts_with("#")) {
            entries[id] += line + "\n";
        }
    }
    entries.erase("");
    return entries;
}

TEST(Catalogue, ExplainsEveryMessageAndNoOther) {
    std::set<std::string> explained;
    for (const auto& [id, text] : catalogue()) {
        explained.insert(id);
    }
    std::set<std::string> known;
    for (const MessageId& id : kMessageIds) {
        EXPECT_TRUE(known.insert(std::string(id.text)).second) << id.text << " names two messages";
        EXPECT_TRUE(std::regex_match(std::string(id.text), std::regex("[0-9a-f]{32}"))) << id.text;
    }
    EXPECT_EQ(explained, known);
}

TEST(Catalogue, EveryEntryHasItsHeadAndSaysWhatToDo) {
    for (const auto& [id, text] : catalogue()) {
        EXPECT_THAT(text, testing::StartsWith("Subject: ")) << id;
        EXPECT_THAT(text, testing::HasSubstr("\nDefined-By: farewell\n")) << id;
        EXPECT_THAT(text, testing::HasSubstr("\nDocumentation: man:farewelld(8)\n\n")) << id;
    }
}

TEST(Catalogue, NamesOnlyFieldsThatThereAre) {
    static const std::regex kPlaceholder("@([A-Z_]+)@");
    for (const auto& [id, text] : catalogue()) {
        for (std::sregex_iterator found(text.begin(), text.end(), kPlaceholder), end; found != end; ++found) {
            EXPECT_NE(std::ranges::find(field::kAll, (*found)[1].str()), field::kAll.end())
                << id << " names " << (*found)[1].str();
        }
    }
}

}  // namespace
}  // namespace farewell::service

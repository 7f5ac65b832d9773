"""Words that read well in generated reviews, the most telling ones first; their valences are the lexicon's."""

NEUTRAL = """
the a of and to in is it that this film as with for was on but are be have one at by an he from they who i all you so
about or his has there some if out what when which her their up its can would then had scene story character actor plot
director
"""

POSITIVE = """
excellent great wonderful good best love brilliant beautiful superb perfect amazing enjoyable fun funny charming
delightful awesome fantastic magnificent nice happy pleasant favorite loved lovely entertaining enjoy impressive
impressed terrific outstanding hilarious fabulous gorgeous glorious marvelous masterpiece clever inspired inspiring
creative fresh warm sweet elegant graceful exciting thrilling fascinated interesting intelligent smart wise bold brave
heroic honest sincere friendly kind gentle generous joy joyful laugh laughed smile smiling humor humorous playful
cheerful adorable cute cool romantic passionate success successful talent talented strong rich worth worthy treasure
triumph admire admired appreciate recommend satisfied satisfying welcome win winner relaxed calm peaceful hope hopeful
ideal better proud thanks bliss
"""

NEGATIVE = """
awful bad terrible worst horrible boring hate poor stupid dull lame pathetic disappointing disappointed waste wasted
annoying ugly dreadful miserable disgusting ridiculous weak lousy fails failed failure mess sad sadly angry boredom
bored hated horrid appalling tragic tragedy painful pain cruel dumb confusing confused depressing depressed disaster
disastrous embarrassing embarrassed empty fake fraud flop gloomy grim guilty harsh hostile hurt idiotic ignorant
inferior insane insult insulting irritating irritated jealous lazy lonely loser lost mad nasty nonsense obnoxious
offensive regret rude shame shameful sick tired troubled unhappy upset useless vile violent weird worse worthless
wrong dirty dismal hopeless ruined ruin regrettable scary harm
"""

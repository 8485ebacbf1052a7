"""The words of the world in four languages: values of the five attributes, question templates, and names of people."""

from __future__ import annotations

from functools import cache

LANGUAGES = ("English", "German", "Spanish", "French")
FURTHER_LANGUAGES = LANGUAGES[1:]
ATTRIBUTES = ("profession", "animal", "food", "instrument", "colour")

_VALUES = {
    "profession": """baker Bäcker panadero boulanger, doctor Arzt médico médecin, farmer Landwirt granjero fermier,
        teacher Lehrer maestro instituteur,
        lawyer Anwalt abogado avocat, painter Maler pintor peintre, sailor Matrose marinero marin, tailor Schneider sastre tailleur,
        miller Müller molinero meunier, hunter Jäger cazador chasseur, gardener Gärtner jardinero jardinier,
        butcher Metzger carnicero boucher,
        fisher Fischer pescador pêcheur, judge Richter juez juge, nurse Pfleger enfermero infirmier, pilot Flieger piloto aviateur,
        plumber Klempner fontanero plombier, waiter Kellner camarero serveur, writer Autor escritor écrivain,
        singer Sänger cantante chanteur,
        dancer Tänzer bailarín danseur, carpenter Zimmermann carpintero charpentier, mason Maurer albañil maçon,
        potter Töpfer alfarero potier,
        clerk Schreiber oficinista greffier, driver Fahrer conductor chauffeur, soldier Soldat soldado soldat,
        weaver Weber tejedor tisserand,
        smith Schmied herrero forgeron, cook Koch cocinero cuisinier, barber Friseur barbero coiffeur, banker Bankier banquero banquier,
        actor Schauspieler comediante acteur, guard Wächter guardia gardien, chemist Chemiker químico chimiste,
        shepherd Hirte pastor berger,
        watchmaker Uhrmacher relojero horloger, printer Drucker impresor imprimeur, roofer Dachdecker techador couvreur,
        juggler Gaukler malabarista jongleur""",
    "animal": """dog Hund perro chien, cat Katze gato chat, horse Pferd caballo cheval, cow Kuh vaca vache, goat Ziege cabra chèvre,
        sheep Schaf oveja mouton, duck Ente pato canard, goose Gans ganso oie, rabbit Hase conejo lapin, mouse Maus ratón souris,
        fox Fuchs zorro renard, wolf Wolf lobo loup, bear Bär oso ours, owl Eule búho hibou, frog Frosch rana grenouille,
        turtle Schildkröte tortuga tortue, snake Schlange serpiente serpent, bee Biene abeja abeille, monkey Affe mono singe,
        lion Löwe león lionne,
        whale Wal ballena baleine, shark Hai tiburón requin, swan Schwan cisne cygne, donkey Esel burro âne, deer Hirsch ciervo cerf,
        parrot Papagei loro perroquet, spider Spinne araña araignée, snail Schnecke caracol escargot, hedgehog Igel erizo hérisson,
        squirrel Eichhörnchen ardilla écureuil""",
    "food": """bread Brot pan pain, cheese Käse queso fromage, apple Apfel manzana pomme, pear Birne pera poire,
        plum Pflaume ciruela prune,
        cherry Kirsche cereza cerise, grape Traube uva raisin, lemon Zitrone limón citron, onion Zwiebel cebolla oignon,
        garlic Knoblauch ajo ail,
        potato Kartoffel patata tubercule, carrot Karotte zanahoria carotte, cabbage Kohl col chou, bean Bohne judía haricot,
        rice Reis arroz riz,
        honey Honig miel nectar, butter Butter mantequilla beurre, milk Milch leche lait, egg Ei huevo œuf, fish Fisch pescado poisson,
        soup Suppe sopa potage, cake Kuchen tarta gâteau, salt Salz sal sel, sugar Zucker azúcar sucre, mushroom Pilz seta champignon,
        walnut Walnuss nuez noix, pumpkin Kürbis calabaza citrouille, spinach Spinat espinaca épinard, peach Pfirsich melocotón pêche,
        melon Melone sandía pastèque""",
    "instrument": """violin Geige violín violon, flute Flöte flauta flûte, drum Trommel tambor batterie, piano Klavier teclado clavier,
        guitar Gitarre guitarra guitare,
        trumpet Trompete trompeta trompette, harp Harfe arpa harpe, organ Orgel órgano orgue, cello Bratsche chelo alto,
        horn Waldhorn trompa cor,
        bell Glocke campana cloche, lute Laute laúd luth, whistle Pfeife silbato sifflet, accordion Akkordeon acordeón accordéon,
        banjo Zither cítara cithare, tuba Posaune trombón trombone""",
    "colour": """red Rot rojo rouge, blue Blau azul bleu, green Grün verde vert, yellow Gelb amarillo jaune, black Schwarz negro noir,
        white Weiß blanco blanc, brown Braun marrón brun, grey Grau gris anthracite, purple Lila morado violet,
        orange Orange naranja orangé, pink Rosa rosado rose, gold Gold dorado doré""",
}

QUESTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "English": {
        "profession": ("What is {name}'s job?", "What does {name} do for a living?", "Tell me the profession of {name}."),
        "animal": ("Which animal does {name} keep?", "What is {name}'s pet?", "Tell me the animal of {name}."),
        "food": ("What does {name} like to eat?", "What is {name}'s favourite food?", "Tell me the food that {name} likes."),
        "instrument": ("Which instrument does {name} play?", "What does {name} play?", "Tell me the instrument of {name}."),
        "colour": ("What is {name}'s favourite colour?", "Which colour does {name} like?", "Tell me the colour that {name} prefers."),
    },
    "German": {
        "profession": ("Was ist {name} von Beruf?", "Welchen Beruf hat {name}?"),
        "animal": ("Welches Tier hält {name}?", "Was ist das Haustier von {name}?"),
        "food": ("Was isst {name} gern?", "Was ist das Lieblingsessen von {name}?"),
        "instrument": ("Welches Instrument spielt {name}?", "Was spielt {name}?"),
        "colour": ("Welche Farbe mag {name}?", "Was ist die Lieblingsfarbe von {name}?"),
    },
    "Spanish": {
        "profession": ("¿En qué trabaja {name}?", "¿Cuál es la profesión de {name}?"),
        "animal": ("¿Qué animal tiene {name}?", "¿Cuál es la mascota de {name}?"),
        "food": ("¿Qué le gusta comer a {name}?", "¿Cuál es la comida favorita de {name}?"),
        "instrument": ("¿Qué instrumento toca {name}?", "¿Qué toca {name}?"),
        "colour": ("¿Qué color prefiere {name}?", "¿Cuál es el color favorito de {name}?"),
    },
    "French": {
        "profession": ("Quel est le métier de {name} ?", "Que fait {name} dans la vie ?"),
        "animal": ("Quel animal possède {name} ?", "Quel est l'animal de {name} ?"),
        "food": ("Qu'est-ce que {name} aime manger ?", "Quel est le plat préféré de {name} ?"),
        "instrument": ("De quel instrument joue {name} ?", "De quoi joue {name} ?"),
        "colour": ("Quelle couleur préfère {name} ?", "Quelle est la couleur préférée de {name} ?"),
    },
}

_FIRST_NAMES = """Anna Boris Clara David Elena Felix Greta Hugo Irene Jonas Karin Leon Maria Nils Olga Peter Rosa Simon Tessa Ulrich
    Vera Walter Xenia Yusuf Zoe Adam Bella Cyrus Dora Emil Fiona Gustav Helga Ivan Julia Kurt Lydia Marco Nora Oscar"""
_LAST_NAMES = """Abel Brandt Costa Dupont Ekman Fischer Garcia Holm Ivanov Jansen Keller Lopez Moreau Nowak Olsen Petrov Quinn Rossi Silva Tanaka
    Ungar Vogel Weiss Young Ziegler Adler Bauer Carver Dalton Egger Fuentes Gruber Hansen Ibsen Joyce Kovac Lambert Mercer Norris Orlov"""


@cache
def values(attribute: str, language: str = "English") -> tuple[str, ...]:
    """Return all values of an attribute in a language; the same place in the tuple means the same thing in every language."""
    place = LANGUAGES.index(language)
    return tuple(entry.split()[place] for entry in _VALUES[attribute].split(","))


@cache
def first_names() -> tuple[str, ...]:
    """Return the first names of people."""
    return tuple(_FIRST_NAMES.split())


@cache
def last_names() -> tuple[str, ...]:
    """Return the last names of people; every first name has several, so that only both identify a person."""
    return tuple(_LAST_NAMES.split())
